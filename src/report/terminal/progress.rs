//! The progress of a run: a bar or a spinner on the last lines of a terminal, below everything else.
//!
//! There is one for the process, since everything that is printed beside it (the log, too) has to
//! take it off the screen first.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::report::printed::safe_text;

/// The time between two pictures, in which a second that passes is seen.
const TICK: Duration = Duration::from_millis(250);

/// The shortest duration that is shown.
const WORTH_SHOWING: Duration = Duration::from_secs(2);

/// The template of a bar. It fits a terminal of 60 columns.
const BAR: &str = "{spinner} Reading flows [{bar:20}] {pos} of {len}{left}{wait}";

/// The template of a spinner.
const SPINNER: &str = "{spinner} {msg}{left}{wait}";

/// The progress on the screen, if there is one.
static SHOWN: Mutex<Option<ShownProgress>> = Mutex::new(None);

/// A bar or a spinner, and the wait that it shows.
#[derive(Clone)]
struct ShownProgress {
    bar: ProgressBar,
    wait: Arc<Mutex<Option<PendingRetry>>>,
}

/// A wait before a request is sent again.
struct PendingRetry {
    /// The reason, as a sentence without its full stop.
    why: String,
    /// The time of the next try.
    until: Instant,
}

/// The time that stands behind the text.
#[derive(Clone, Copy)]
enum Clock {
    /// The time since the beginning.
    Passed,
    /// The time until the end, in the words of a countdown.
    Left(Instant),
    /// An estimate of the time until all is read.
    Estimated,
}

/// Checks whether standard error is a terminal that can show progress.
pub(crate) fn is_possible() -> bool {
    !ProgressDrawTarget::stderr().is_hidden()
}

/// Shows how many of `total` flows were read.
pub(crate) fn show_bar(total: usize) {
    let total = u64::try_from(total).unwrap_or(u64::MAX);
    show(
        ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr()),
        BAR,
        Clock::Estimated,
    );
}

/// Shows what the run does, and for how long.
pub(crate) fn show_spinner(text: &str) {
    spin(text, Clock::Passed);
}

/// Shows what the run waits for, and how long it does so at most.
pub(crate) fn show_countdown(text: &str, left: Duration) {
    spin(text, Clock::Left(Instant::now() + left));
}

/// Notes the number of flows that were read.
pub(crate) fn advance(done: usize) {
    if let Some(shown) = shown() {
        shown.bar.set_position(u64::try_from(done).unwrap_or(u64::MAX));
    }
}

/// Shows below the progress why the run waits, until the next try. Returns false if no progress is
/// shown.
pub(crate) fn show_wait(why: &str, time: Duration) -> bool {
    let Some(shown) = shown() else { return false };
    if let Ok(mut wait) = shown.wait.lock() {
        *wait = Some(PendingRetry { why: one_line(why), until: Instant::now() + time });
    }
    shown.bar.tick();
    true
}

/// Takes the progress off the screen.
pub(crate) fn clear() {
    let ended = SHOWN.lock().ok().and_then(|mut shown| shown.take());
    if let Some(ShownProgress { bar, .. }) = ended {
        bar.finish_and_clear();
    }
}

/// Prints while the progress is off the screen, and shows it again below.
pub(crate) fn print_above<T>(print: impl FnOnce() -> T) -> T {
    match shown() {
        Some(shown) => shown.bar.suspend(print),
        None => print(),
    }
}

fn shown() -> Option<ShownProgress> {
    SHOWN.lock().ok()?.clone()
}

fn spin(text: &str, clock: Clock) {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    show(bar.with_message(one_line(text)), SPINNER, clock);
}

/// Replaces what is shown.
fn show(bar: ProgressBar, template: &str, clock: Clock) {
    clear();
    let wait = Arc::<Mutex<Option<PendingRetry>>>::default();
    let (waits, known) = (Arc::clone(&wait), Arc::clone(&wait));
    let Ok(style) = ProgressStyle::with_template(template) else { return };
    let style = style
        .progress_chars("=> ")
        .with_key("left", move |state: &ProgressState, to: &mut dyn std::fmt::Write| {
            // An estimate knows nothing of a wait.
            if !matches!(clock, Clock::Estimated) || shown_wait(&known).is_empty() {
                let _ = to.write_str(&clock.shown(state, Instant::now()));
            }
        })
        .with_key("wait", move |_: &ProgressState, to: &mut dyn std::fmt::Write| {
            let _ = to.write_str(&shown_wait(&waits));
        });
    bar.set_style(style);
    bar.enable_steady_tick(TICK);
    if let Ok(mut shown) = SHOWN.lock() {
        *shown = Some(ShownProgress { bar, wait });
    }
}

/// Formats the wait, if there is one that is not over.
fn shown_wait(wait: &Mutex<Option<PendingRetry>>) -> String {
    let Ok(wait) = wait.lock() else { return String::new() };
    wait.as_ref().map_or_else(String::new, |wait| wait.shown(Instant::now()))
}

/// Makes a text safe to show on one line.
fn one_line(text: &str) -> String {
    safe_text(text).replace(['\n', '\t'], " ")
}

impl Clock {
    /// Formats the time behind the text.
    fn shown(self, state: &ProgressState, now: Instant) -> String {
        match self {
            Self::Passed if state.elapsed() < WORTH_SHOWING => String::new(),
            Self::Passed => format!(" {}", whole_seconds(state.elapsed())),
            Self::Left(end) => format!(", {} left", time_left(end.saturating_duration_since(now))),
            Self::Estimated if state.pos() == 0 || state.elapsed() < WORTH_SHOWING => String::new(),
            Self::Estimated => format!(", about {} left", time_left(state.eta())),
        }
    }
}

impl PendingRetry {
    /// Formats the wait as a line of its own; empty once it is over.
    fn shown(&self, now: Instant) -> String {
        let left = self.until.saturating_duration_since(now);
        if left.is_zero() {
            return String::new();
        }
        let mut text = String::new();
        // Writing to a `String` cannot fail.
        let _ = write!(text, "\n  {}; next try in {}", self.why, time_left(left));
        text
    }
}

/// Formats the time that is left, rounded up: in minutes where seconds do not matter.
fn time_left(left: Duration) -> String {
    let seconds = left.as_secs_f64().ceil();
    let left = Duration::from_secs_f64(seconds);
    if left >= Duration::from_mins(2) {
        return format!("{} min", left.as_secs().div_ceil(60));
    }
    whole_seconds(left)
}

/// Formats a duration without parts of a second.
fn whole_seconds(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds} s"),
        seconds => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_that_is_left_is_rounded_up() {
        let shown = |milliseconds| time_left(Duration::from_millis(milliseconds));
        assert_eq!([400, 5_100, 61_000, 840_001].map(shown), ["1 s", "6 s", "1 min 1 s", "15 min"]);
    }

    #[test]
    fn a_wait_says_why_until_it_is_over() {
        let now = Instant::now();
        let why = "the Flow service is throttling (429)".to_owned();
        let wait = PendingRetry { why, until: now + Duration::from_secs(6) };
        assert_eq!(wait.shown(now), "\n  the Flow service is throttling (429); next try in 6 s");
        assert_eq!(wait.shown(now + Duration::from_secs(6)), "");
    }

    #[test]
    fn nothing_that_steers_a_terminal_is_shown() {
        assert_eq!(one_line("a\n\u{1b}[2Jb"), "a \\u{1b}[2Jb");
    }
}
