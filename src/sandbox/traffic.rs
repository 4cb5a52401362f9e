//! What arrived since the server started, counted.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use http::{HeaderMap, Request, Version};
use serde_json::{Value, json};

use super::guid::Guid;
use super::tenant::file::ServiceName;
use super::throttle::Throttle;

/// The cookie that pins a client to one server.
pub(crate) const AFFINITY_COOKIE: &str = "ARRAffinity";
/// What stands for all services.
const ALL: &str = "all";

/// The counts.
#[derive(Debug, Default)]
pub(crate) struct Traffic(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    requests: BTreeMap<(&'static str, String, String), u64>,
    protocols: BTreeMap<&'static str, u64>,
    flights: BTreeMap<&'static str, Flight>,
    pinned: u64,
    throttled: u64,
}

#[derive(Debug, Default)]
struct Flight {
    now: u32,
    most: u32,
}

/// A request that is being answered, until it is dropped.
#[derive(Debug)]
pub(crate) struct Visit<'a> {
    traffic: &'a Traffic,
    throttle: Option<&'a Throttle>,
    word: &'static str,
    begun: Instant,
    /// How many requests of its service are being answered with it.
    pub(crate) concurrent: u32,
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        if let Some(throttle) = self.throttle {
            throttle.finish(Instant::now(), self.begun.elapsed());
        }
        self.traffic.counts().leave(self.word);
    }
}

impl Traffic {
    /// Counts a request.
    pub(crate) fn arrive<'a, T>(
        &'a self,
        service: Option<ServiceName>,
        throttle: Option<&'a Throttle>,
        request: &Request<T>,
    ) -> Visit<'a> {
        let word = service.map_or("none", ServiceName::word);
        let mut counts = self.counts();
        let key = (word, request.method().to_string(), template(request.uri().path()));
        *counts.requests.entry(key).or_default() += 1;
        *counts.protocols.entry(protocol(request.version())).or_default() += 1;
        counts.pinned += u64::from(is_pinned(request.headers()));
        let concurrent = counts.enter(word);
        Visit { traffic: self, throttle, word, begun: Instant::now(), concurrent }
    }

    /// Counts an answer that refuses a request past a limit.
    pub(crate) fn throttled(&self) {
        self.counts().throttled += 1;
    }

    /// Begins anew; what is being answered stays counted as that.
    pub(crate) fn forget(&self) {
        let mut counts = self.counts();
        let flights = std::mem::take(&mut counts.flights);
        let going =
            flights.into_iter().map(|(word, flight)| (word, Flight { most: flight.now, ..flight }));
        *counts = Counts { flights: going.collect(), ..Counts::default() };
    }

    /// Tells the counts.
    pub(crate) fn told(&self) -> Value {
        let counts = self.counts();
        let requests = counts.requests.iter().map(|((service, method, template), count)| {
            json!({"service": service, "method": method, "template": template, "count": count})
        });
        let most: BTreeMap<_, _> =
            counts.flights.iter().map(|(word, flight)| (word, flight.most)).collect();
        json!({
            "total": counts.requests.values().sum::<u64>(),
            "with-affinity-cookie": counts.pinned,
            "throttled": counts.throttled,
            "largest-in-flight": most,
            "protocols": counts.protocols,
            "requests": requests.collect::<Vec<_>>(),
        })
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn enter(&mut self, word: &'static str) -> u32 {
        self.flights.entry(ALL).or_default().enter();
        self.flights.entry(word).or_default().enter()
    }

    fn leave(&mut self, word: &'static str) {
        for name in [ALL, word] {
            if let Some(flight) = self.flights.get_mut(name) {
                flight.now = flight.now.saturating_sub(1);
            }
        }
    }
}

impl Flight {
    fn enter(&mut self) -> u32 {
        self.now += 1;
        self.most = self.most.max(self.now);
        self.now
    }
}

/// Names a version of HTTP as TLS does.
fn protocol(version: Version) -> &'static str {
    if version == Version::HTTP_2 { "h2" } else { "http/1.1" }
}

/// Tells whether a request came back with the cookie that pins a server.
pub(crate) fn is_pinned(headers: &HeaderMap) -> bool {
    let cookies = headers.get_all("cookie").iter().filter_map(|value| value.to_str().ok());
    let mut pairs =
        cookies.flat_map(|value| value.split(';')).filter_map(|pair| pair.split_once('='));
    pairs.any(|(name, _)| name.trim() == AFFINITY_COOKIE)
}

/// Replaces what differs from row to row: ids by `{id}`, and keys and arguments in parentheses by dots.
fn template(path: &str) -> String {
    let segments = path.split('/').map(|segment| match segment.split_once('(') {
        Some((name, _)) => format!("{name}(...)"),
        None if is_id(segment) => "{id}".to_owned(),
        None => segment.to_owned(),
    });
    segments.collect::<Vec<_>>().join("/")
}

fn is_id(segment: &str) -> bool {
    segment.strip_prefix("Default-").unwrap_or(segment).parse::<Guid>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrive<'a>(traffic: &'a Traffic, path: &str) -> Visit<'a> {
        traffic.arrive(Some(ServiceName::Flow), None, &Request::get(path).body(()).unwrap())
    }

    #[test]
    fn requests_that_differ_in_ids_alone_are_counted_together() {
        let traffic = Traffic::default();
        for id in ["a09e4a0d-3a1c-f011-998a-7c1e5275cfe9", "a09e4a0d3a1cf011998a7c1e5275cfe9"] {
            arrive(&traffic, &format!("/flows/{id}/triggers/manual"));
        }
        let told = traffic.told();
        assert_eq!(told["requests"][0]["template"], "/flows/{id}/triggers/manual");
        assert_eq!((&told["requests"][0]["count"], &told["total"]), (&json!(2), &json!(2)));
        assert_eq!(template("/rows(name='a b')/value"), "/rows(...)/value");
    }

    #[test]
    fn the_largest_number_in_flight_is_remembered_until_it_is_forgotten() {
        let traffic = Traffic::default();
        let (one, other) = (arrive(&traffic, "/a"), arrive(&traffic, "/b"));
        assert_eq!((one.concurrent, other.concurrent), (1, 2));
        drop(one);
        assert_eq!(traffic.told()["largest-in-flight"], json!({"all": 2, "flow": 2}));
        traffic.forget();
        assert_eq!(traffic.told()["largest-in-flight"], json!({"all": 1, "flow": 1}));
        assert_eq!(traffic.told()["total"], 0);
        drop(other);
        assert_eq!(arrive(&traffic, "/a").concurrent, 1);
    }

    #[test]
    fn the_cookie_is_found_among_others() {
        let pinned = |text: &str| {
            let cookie = (http::header::COOKIE, text.parse().unwrap());
            is_pinned(&HeaderMap::from_iter([cookie]))
        };
        assert!(pinned("a=1; ARRAffinity=2"));
        assert!(!pinned("NotARRAffinity=2; a=ARRAffinity"));
    }
}
