//! Durations on the command line: `90s`, `10m`, `2h`, or a number alone.

use std::ops::RangeInclusive;
use std::time::Duration;

use humantime::{format_duration, parse_duration};

/// The unit of a number without a unit.
pub(super) const MILLISECOND: Duration = Duration::from_millis(1);
/// The unit of a number without a unit.
pub(super) const SECOND: Duration = Duration::from_secs(1);
/// The unit of a number without a unit.
pub(super) const HOUR: Duration = Duration::from_hours(1);
/// The longest time that a run may take.
pub(super) const DAY: Duration = Duration::from_hours(24);

/// Returns a parser of durations in this range. A number alone counts units.
pub(super) fn duration_in(
    range: RangeInclusive<Duration>,
    unit: Duration,
) -> impl Fn(&str) -> Result<Duration, String> + Clone {
    move |text| {
        let number = text.parse::<u32>();
        let duration = match number {
            Ok(number) => unit.checked_mul(number),
            Err(_) => parse_duration(text).ok(),
        };
        duration.filter(|duration| range.contains(duration)).ok_or_else(|| {
            format!(
                "write a duration such as 90s, 10m or 2h, from {} to {}; a number alone is in {}",
                format_duration(*range.start()),
                format_duration(*range.end()),
                unit_name(unit),
            )
        })
    }
}

/// Returns the name of a unit.
fn unit_name(unit: Duration) -> &'static str {
    match unit {
        MILLISECOND => "milliseconds",
        HOUR => "hours",
        _ => "seconds",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_unit_or_is_a_number_of_the_options_unit() {
        let read = duration_in(SECOND..=DAY, SECOND);
        for (text, seconds) in [
            ("90", 90),
            ("90s", 90),
            ("10m", 600),
            ("2h", 7200),
            ("1h 30m", 5400),
            ("1day", 86_400),
        ] {
            assert_eq!(read(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        let valid = duration_in(SECOND..=DAY * 365, HOUR);
        assert_eq!((valid("2"), valid("2m")), (Ok(HOUR * 2), Ok(SECOND * 120)));
    }

    #[test]
    fn what_is_no_duration_or_out_of_range_is_answered_with_what_to_type() {
        let read = duration_in(SECOND..=DAY, SECOND);
        for text in ["", "0", "0s", "500ms", "25h", "86401", "-1", "x", "10 parsecs", "99999999999"]
        {
            let said = read(text).unwrap_err();
            assert_eq!(
                said,
                "write a duration such as 90s, 10m or 2h, from 1s to 1day; a number alone is in seconds"
            );
        }
    }
}
