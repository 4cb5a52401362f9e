//! Moments, and the forms in which the services print them.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// A moment, in milliseconds since 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Moment(u64);

impl Moment {
    /// Reads the clock.
    pub(crate) fn now() -> Self {
        let elapsed = SystemTime::now().duration_since(UNIX_EPOCH);
        Self(milliseconds(elapsed.unwrap_or_default()))
    }

    /// Returns the moment that comes `later` than this one.
    pub(crate) fn after(self, later: Duration) -> Self {
        Self(self.0.saturating_add(milliseconds(later)))
    }

    /// Returns the moment that comes `earlier` than this one.
    pub(crate) fn before(self, earlier: Duration) -> Self {
        Self(self.0.saturating_sub(milliseconds(earlier)))
    }

    /// Returns the whole seconds since 1970, as tokens carry them.
    pub(crate) fn seconds(self) -> u64 {
        self.0 / 1000
    }

    /// Returns the milliseconds since 1970.
    pub(crate) fn milliseconds(self) -> u64 {
        self.0
    }

    /// Prints `2026-01-31T12:00:00Z`.
    pub(crate) fn iso(self) -> String {
        let (day, clock) = self.parts();
        format!("{day}T{clock}Z")
    }

    /// Prints `2026-01-31 12:00:00Z`, the form inside sign-in errors.
    pub(crate) fn spaced(self) -> String {
        let (day, clock) = self.parts();
        format!("{day} {clock}Z")
    }

    fn parts(self) -> (String, String) {
        let seconds = self.seconds();
        let (year, month, day) = civil(seconds / 86_400);
        let clock = seconds % 86_400;
        let (hour, minute, second) = (clock / 3600, clock / 60 % 60, clock % 60);
        (format!("{year:04}-{month:02}-{day:02}"), format!("{hour:02}:{minute:02}:{second:02}"))
    }
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Turns days since 1970 into year, month and day: the era arithmetic of the proleptic Gregorian
/// calendar, in which a year begins on 1 March.
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::Moment;

    #[test]
    fn moments_print_as_civil_dates() {
        assert_eq!(Moment(0).iso(), "1970-01-01T00:00:00Z");
        assert_eq!(Moment(951_782_400_000).iso(), "2000-02-29T00:00:00Z");
        assert_eq!(Moment(1_798_761_599_000).spaced(), "2026-12-31 23:59:59Z");
    }
}
