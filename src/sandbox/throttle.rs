//! Service protection limits, as Microsoft documents them for Dataverse
//! (<https://learn.microsoft.com/power-apps/developer/data-platform/api-limits>) and as the Flow API was seen to
//! have them. The sandbox has one server, and counts everybody together.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use http::StatusCode;
use serde_json::json;

use super::message::Answer;
use super::tenant::file::ServiceName;
use super::tenant::throttling::{Limits, Throttling};

/// What is left of Dataverse's own limits to one who has hardly begun.
const UNLIMITED: Standing = Standing { requests: 5999, time: Duration::from_mins(20) };

/// The limits of both services, with what was used of them.
#[derive(Debug)]
pub(crate) struct Throttles {
    dataverse: Throttle,
    flow: Throttle,
}

impl Throttles {
    /// Begins with nothing used.
    pub(crate) fn new(limits: &Throttling) -> Self {
        let dataverse = Throttle::new(ServiceName::Dataverse, limits.dataverse.clone());
        Self { dataverse, flow: Throttle::new(ServiceName::Flow, limits.flow.clone()) }
    }

    /// Returns the limits of a service, if it can have some.
    pub(crate) fn of(&self, service: Option<ServiceName>) -> Option<&Throttle> {
        match service? {
            ServiceName::Dataverse => Some(&self.dataverse),
            ServiceName::Flow => Some(&self.flow),
            ServiceName::Entra | ServiceName::Trigger => None,
        }
    }
}

/// The limits of a service, with what was used of them.
#[derive(Debug)]
pub(crate) struct Throttle {
    service: ServiceName,
    limits: Limits,
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    requests: Window,
    milliseconds: Window,
}

/// What is left of the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Standing {
    requests: u64,
    time: Duration,
}

impl Throttle {
    fn new(service: ServiceName, limits: Limits) -> Self {
        Self { service, limits, used: Mutex::default() }
    }

    /// Counts a request, `concurrent` of whose kind are being answered with it; refuses it past a limit. Refused
    /// requests count too, so that one who keeps sending keeps waiting.
    pub(crate) fn admit(&self, now: Instant, concurrent: u32) -> Result<(), Box<Answer>> {
        let mut used = self.used();
        if self.limits.requests.is_some() {
            used.requests.add(now, 1);
        }
        used.requests.forget(now, self.limits.window());
        used.milliseconds.forget(now, self.limits.window());
        match self.exceeded(&used, now, concurrent) {
            Some((answer, pause)) => Err(self.refusal(answer, pause)),
            None => Ok(()),
        }
    }

    /// Finds the first limit that is exceeded: what Dataverse says of it, and how long it is so.
    fn exceeded(&self, used: &Used, now: Instant, concurrent: u32) -> Option<(Answer, Duration)> {
        let Used { requests, milliseconds } = used;
        let (limits, window) = (&self.limits, self.limits.window());
        let seconds = window.as_secs();
        if let Some(limit) = limits.requests.map(u64::from).filter(|most| requests.total() > *most)
        {
            let pause = requests.pause(now, window, limit);
            return Some((too_many_requests(limit, seconds), pause));
        }
        if let Some(limit) = limits.execution_time.filter(|most| milliseconds.total() > *most) {
            let pause = milliseconds.pause(now, window, limit);
            return Some((too_much_time(limit, seconds), pause));
        }
        let limit = limits.concurrent.filter(|limit| concurrent > *limit)?;
        Some((too_many_at_once(limit), Duration::from_secs(1)))
    }

    /// Counts how long a request took.
    pub(crate) fn finish(&self, now: Instant, took: Duration) {
        if self.limits.execution_time.is_some() {
            let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            self.used().milliseconds.add(now, milliseconds);
        }
    }

    /// Tells in an answer of Dataverse what is left.
    pub(crate) fn tell(&self, answer: &mut Answer) {
        if self.service != ServiceName::Dataverse {
            return;
        }
        let Standing { requests, time } = self.standing();
        answer.set("x-ms-ratelimit-burst-remaining-xrm-requests", &requests.to_string());
        answer.set(
            "x-ms-ratelimit-time-remaining-xrm-requests",
            &format!("{:.2}", time.as_secs_f64()),
        );
    }

    fn standing(&self) -> Standing {
        let used = self.used();
        let requests =
            self.limits.requests.map(|most| u64::from(most).saturating_sub(used.requests.total()));
        let time =
            self.limits.execution_time.map(|most| most.saturating_sub(used.milliseconds.total()));
        Standing {
            requests: requests.unwrap_or(UNLIMITED.requests),
            time: time.map_or(UNLIMITED.time, Duration::from_millis),
        }
    }

    /// Refuses in the service's own words: the Flow API has the same for every limit.
    fn refusal(&self, answer: Answer, pause: Duration) -> Box<Answer> {
        let mut answer = if self.service == ServiceName::Dataverse {
            answer
        } else {
            let limit = self.limits.execution_time.unwrap_or(10_000_000);
            too_busy(limit, self.limits.window().as_secs())
        };
        let seconds = pause.as_millis().div_ceil(1000).max(1);
        answer.set("retry-after", &seconds.to_string());
        Box::new(answer)
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What was used in a sliding window, oldest first.
#[derive(Debug, Default)]
struct Window(VecDeque<(Instant, u64)>);

impl Window {
    fn add(&mut self, now: Instant, amount: u64) {
        self.0.push_back((now, amount));
    }

    fn forget(&mut self, now: Instant, window: Duration) {
        while self.0.front().is_some_and(|(at, _)| now.duration_since(*at) >= window) {
            self.0.pop_front();
        }
    }

    fn total(&self) -> u64 {
        self.0.iter().map(|(_, amount)| amount).sum()
    }

    /// Returns how long it takes until one more would be within the limit.
    fn pause(&self, now: Instant, window: Duration, limit: u64) -> Duration {
        let mut left = self.total();
        let enough = self.0.iter().find(|(_, amount)| {
            left -= amount;
            left < limit
        });
        enough.map_or(window, |(at, _)| window.saturating_sub(now.duration_since(*at)))
    }
}

/// Tells that a service had too many requests.
pub(crate) fn too_many_requests(limit: u64, seconds: u64) -> Answer {
    refused(
        "0x80072322",
        &format!(
            "Number of requests exceeded the limit of {limit} over time window of {seconds} seconds."
        ),
    )
}

fn too_much_time(limit: u64, seconds: u64) -> Answer {
    let limit = grouped(limit);
    refused(
        "0x80072321",
        &format!(
            "Combined execution time of incoming requests exceeded limit of {limit} milliseconds over time window of {seconds} seconds. Decrease number of concurrent requests or reduce the duration of requests and try again later."
        ),
    )
}

fn too_many_at_once(limit: u32) -> Answer {
    refused("0x80072326", &format!("Number of concurrent requests exceeded the limit of {limit}."))
}

/// Tells it in the words of the Flow API.
pub(crate) fn too_busy(limit: u64, seconds: u64) -> Answer {
    let window = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
    refused(
        "TooManyConcurrentRequests",
        &format!(
            "Combined execution time of incoming HTTP requests for identity 'sandbox' exceeded limit of '{limit}' over time window of '{window}'. Decrease number of concurrent requests or reduce the duration of requests and try again later."
        ),
    )
}

fn refused(code: &str, message: &str) -> Answer {
    let body = json!({"error": {"code": code, "message": message}});
    Answer::json(StatusCode::TOO_MANY_REQUESTS, &body)
}

/// Prints `1,200,000`.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let groups = digits.as_bytes().rchunks(3).rev();
    groups.map(|group| String::from_utf8_lossy(group)).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn throttle(service: ServiceName, limits: &str) -> Throttle {
        Throttle::new(service, toml::from_str(limits).unwrap())
    }

    /// The code and the pause of a refusal.
    fn told(result: Result<(), Box<Answer>>) -> (String, String) {
        let answer = result.unwrap_err();
        let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        let pause = answer.headers["retry-after"].to_str().unwrap().to_owned();
        (body["error"]["code"].as_str().unwrap().to_owned(), pause)
    }

    fn pair(code: &str, pause: &str) -> (String, String) {
        (code.to_owned(), pause.to_owned())
    }

    #[test]
    fn one_request_too_many_waits_until_the_oldest_leaves_the_window() {
        let throttle = throttle(ServiceName::Dataverse, "requests = 2\nwindow = 10");
        let begin = Instant::now();
        let at = |seconds| throttle.admit(begin + Duration::from_secs(seconds), 1);
        assert!(at(0).is_ok() && at(3).is_ok());
        assert_eq!(told(at(4)), pair("0x80072322", "9"));
        assert_eq!(told(at(10)), pair("0x80072322", "4"));
        assert!(at(20).is_ok());
    }

    #[test]
    fn one_who_waits_as_told_is_admitted() {
        let throttle = throttle(ServiceName::Dataverse, "requests = 2\nwindow = 10");
        let begin = Instant::now();
        let at = |seconds| throttle.admit(begin + Duration::from_secs(seconds), 1);
        assert!(at(0).is_ok() && at(0).is_ok());
        assert_eq!(told(at(1)), pair("0x80072322", "9"));
        assert!(at(10).is_ok());
    }

    #[test]
    fn requests_at_a_time_and_their_time_are_limited_too() {
        let throttle =
            throttle(ServiceName::Dataverse, "concurrent = 3\nexecution-time = 1000\nwindow = 10");
        let begin = Instant::now();
        assert!(throttle.admit(begin, 3).is_ok());
        assert_eq!(told(throttle.admit(begin, 4)), pair("0x80072326", "1"));
        throttle.finish(begin, Duration::from_millis(600));
        assert!(throttle.admit(begin, 1).is_ok());
        throttle.finish(begin, Duration::from_millis(600));
        assert_eq!(told(throttle.admit(begin, 1)), pair("0x80072321", "10"));
    }

    #[test]
    fn the_flow_api_has_one_code() {
        let throttle = throttle(ServiceName::Flow, "requests = 1");
        let begin = Instant::now();
        assert!(throttle.admit(begin, 1).is_ok());
        assert_eq!(told(throttle.admit(begin, 1)), pair("TooManyConcurrentRequests", "300"));
    }

    #[test]
    fn what_is_left_goes_down() {
        let throttle = throttle(ServiceName::Dataverse, "requests = 2\nexecution-time = 1500");
        assert!(throttle.admit(Instant::now(), 1).is_ok());
        throttle.finish(Instant::now(), Duration::from_millis(500));
        assert_eq!(throttle.standing(), Standing { requests: 1, time: Duration::from_secs(1) });
        assert_eq!(grouped(1_200_000), "1,200,000");
        assert_eq!(grouped(52), "52");
    }
}
