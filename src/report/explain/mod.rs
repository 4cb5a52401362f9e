//! Explains every code of a run: its exit code, its problems, Entra's refusals and the services'
//! errors, with cause and remedy.
//!
//! `docs/exit-codes.md`, `docs/problems.md` and `docs/manifest.md` have the same words, and tests
//! compare them. Pure.

#[cfg(test)]
mod docs_page;
mod code_text;
mod exits;
mod problems;

use crate::manifest::nearest;
use crate::model::{Code, ErrorCause, Exit, Waiting, known_causes};
use crate::sign_in::{KnownCode, known_codes};
use code_text::CodeText;

/// The prefix of Entra's numbers.
const ENTRA: &str = "AADSTS";

/// The explanation of a code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Explanation {
    /// The code and its kind.
    pub title: String,
    /// The parts of the explanation, each with its label.
    pub parts: Vec<(&'static str, String)>,
}

/// Codes of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Group {
    /// The name of the kind.
    pub title: &'static str,
    /// Each code with its meaning.
    pub codes: Vec<(String, String)>,
}

/// Explains an exit code (`5`, `exit-code-5`, or the outcome that it stands for, `refused`), the code
/// of a problem (`flow-draft`), `drift`, a number of Entra (`AADSTS53003`, `53003`), or the code of a
/// service's error (`0x80040265`).
///
/// # Errors
/// The known code that is nearest to the word, if one is near.
pub(crate) fn explain(word: &str) -> Result<Explanation, Option<String>> {
    let word = extract_code(word);
    let exit = parse_exit_code(&word);
    let problem = Code::ALL.iter().find(|code| code.as_str() == word);
    let number = word.strip_prefix(&ENTRA.to_lowercase()).unwrap_or(&word);
    let entra = known_codes().find(|known| known.code.to_string() == number);
    let drift = matches!(&*word, "drift" | "drifted").then(of_drift);
    let found = exit.map(of_exit).or_else(|| problem.map(|code| of_problem(*code))).or(drift);
    let found = found.or_else(|| entra.map(of_entra)).or_else(|| service_error(&word));
    found.ok_or_else(|| nearest_code(&word))
}

/// Returns the meaning of a problem's code and its remedy, each as a fragment of a sentence.
pub(crate) fn meaning_and_remedy(code: Code) -> (&'static str, &'static str) {
    let CodeText { meaning, remedy, .. } = problems::problem_text(code);
    (meaning, remedy)
}

/// Lists every code with its meaning, in groups.
pub(crate) fn index() -> Vec<Group> {
    let exits = Exit::ALL.into_iter().map(|exit| {
        let meaning = exits::exit_text(exit).text.meaning;
        (exit.code().to_string(), meaning.to_owned())
    });
    let problems = |of_manifest| {
        let codes = Code::ALL.iter().filter(move |code| is_manifest_problem(**code) == of_manifest);
        codes
            .map(|code| (code.to_string(), problems::problem_text(*code).meaning.to_owned()))
            .collect()
    };
    let entra = known_codes().map(|known| (entra_name(&known), known.meaning.to_owned()));
    let services = known_causes().flat_map(|cause| {
        cause.codes.iter().map(|code| ((*code).to_owned(), cause.meaning.to_owned()))
    });
    vec![
        Group { title: "Exit codes", codes: exits.collect() },
        Group { title: "Problems of a manifest", codes: problems(true) },
        Group { title: "Problems and warnings of a run", codes: problems(false) },
        Group { title: "Refusals of Entra", codes: entra.collect() },
        Group { title: "Errors of Dataverse and of the Flow service", codes: services.collect() },
    ]
}

/// Extracts the code from a copied text such as `error[flow-draft]`, in lower case.
fn extract_code(word: &str) -> String {
    let word = word.trim().trim_end_matches(':').to_lowercase();
    let inner = word.strip_prefix("error[").or_else(|| word.strip_prefix("warning["));
    let inner = inner.and_then(|inner| inner.strip_suffix(']'));
    inner.map(str::to_owned).unwrap_or(word)
}

/// Parses an exit code: its number, the form in a JUnit report (`exit-code-5`), or its outcome.
fn parse_exit_code(word: &str) -> Option<Exit> {
    let number = word.strip_prefix("exit-code-").unwrap_or(word);
    match word {
        "refused" => Some(Exit::Refused),
        "not-ready" => Some(Exit::NotReady),
        "unknown" => Some(Exit::Unknown),
        _ => Exit::ALL.into_iter().find(|exit| exit.code().to_string() == number),
    }
}

/// Finds the known code that is spelled most like the word. A number matches no other number.
fn nearest_code(word: &str) -> Option<String> {
    nearest(word, Code::ALL.iter().map(|code| code.as_str())).map(str::to_owned)
}

/// Checks if the problem can be found by reading the manifest alone.
fn is_manifest_problem(code: Code) -> bool {
    code < Code::FlowNotFound
}

fn of_exit(exit: Exit) -> Explanation {
    let exits::ExitText { written, text } = exits::exit_text(exit);
    let mut parts = parts(text.meaning, text.why, text.remedy);
    parts.insert(1, ("written", written.to_owned()));
    Explanation { title: format!("exit code {}", exit.code()), parts }
}

fn of_problem(code: Code) -> Explanation {
    let CodeText { meaning, why, remedy } = problems::problem_text(code);
    let title = format!("{code}: {}", kind(code));
    Explanation { title, parts: parts(meaning, why, remedy) }
}

/// Describes the kind of a problem and the exit code of a run that finds it.
fn kind(code: Code) -> &'static str {
    match code {
        _ if is_manifest_problem(code) => "a problem of the manifest, exit code 3",
        Code::ProbeUnknown => "a warning of `check --probe` alone, which changes no exit code",
        Code::ProbeOff | Code::ProbeGone | Code::ProbeSignature | Code::ProbeOpen => {
            "found by `check --probe` alone, exit code 0, or 2 with `--detailed-exitcode`"
        }
        _ if code.is_warning() => "always a warning, which changes no exit code",
        _ if code.is_temporary() => {
            "found by a run, exit code 5, or 8 after `--wait-ready`; by a check, 0, or 2 with `--detailed-exitcode`"
        }
        Code::PlanMoved => "found by a run with `--plan`, exit code 5",
        _ => "found by a run, exit code 5 unless it is a warning",
    }
}

/// Explains `drift`, the word of reports for a target that differs from the expected value.
fn of_drift() -> Explanation {
    Explanation {
        title: "drift: found by a check, exit code 0, or 2 with `--detailed-exitcode`".to_owned(),
        parts: parts(
            "a target does not hold what it should",
            "somebody wrote to it, its flow's URL is another than when it was written, or nothing was applied yet",
            "see with `flowbind plan` what differs, and write it with `flowbind apply`",
        ),
    }
}

fn of_entra(known: KnownCode) -> Explanation {
    let title = format!("{}: a refusal of Entra, exit code 4", entra_name(&known));
    let remedies = known.remedies.into_iter().map(|remedy| ("do", remedy));
    let meaning = ("means", known.meaning.to_owned());
    Explanation { title, parts: std::iter::once(meaning).chain(remedies).collect() }
}

/// Explains the error of a service that has this code, in lower case.
fn service_error(word: &str) -> Option<Explanation> {
    let spelled = |cause: &'static ErrorCause| {
        let code = cause.codes.iter().find(|code| code.eq_ignore_ascii_case(word))?;
        Some((*code, cause))
    };
    let (code, cause) = known_causes().find_map(spelled)?;
    let service = if code.starts_with("0x") { "Dataverse" } else { "the Flow service" };
    let parts = vec![
        ("means", cause.meaning.to_owned()),
        ("waiting", waiting(cause.waiting).to_owned()),
        ("do", cause.remedy.to_owned()),
    ];
    Some(Explanation { title: format!("{code}: an error of {service}"), parts })
}

/// Says whether waiting helps.
fn waiting(waiting: Waiting) -> &'static str {
    match waiting {
        Waiting::Helps => "helps",
        Waiting::MayHelp => "may help",
        Waiting::DoesNotHelp => "does not help",
    }
}

/// Formats a number of Entra as Entra writes it, such as `AADSTS53003`.
fn entra_name(known: &KnownCode) -> String {
    format!("{ENTRA}{}", known.code)
}

fn parts(meaning: &str, why: &str, remedy: &str) -> Vec<(&'static str, String)> {
    vec![("means", meaning.to_owned()), ("why", why.to_owned()), ("do", remedy.to_owned())]
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXIT_CODES: &str = include_str!("../../../docs/exit-codes.md");
    const MANIFEST: &str = include_str!("../../../docs/manifest.md");
    const PROBLEMS: &str = include_str!("../../../docs/problems.md");

    fn title(word: &str) -> String {
        explain(word).unwrap().title
    }

    #[test]
    fn a_code_is_found_in_every_form_in_which_it_is_shown() {
        assert_eq!(title("5"), "exit code 5");
        assert_eq!(title(" 130 "), "exit code 130");
        let draft = title("flow-draft");
        for word in ["Flow-Draft", "error[flow-draft]", "error[flow-draft]:", "warning[flow-draft]"]
        {
            assert_eq!(title(word), draft);
        }
        assert_eq!(title("AADSTS53003"), title("53003"));
        assert!(title("key-unknown").ends_with("exit code 3"));
    }

    #[test]
    fn the_error_of_a_service_is_explained_with_whether_waiting_helps() {
        let lock = explain("0x80071151").unwrap();
        assert_eq!(lock.title, "0x80071151: an error of Dataverse");
        assert_eq!(lock.parts[1], ("waiting", "helps".to_owned()));
        assert_eq!(title("0X80095ffe"), "0x80095FFE: an error of Dataverse");
        let owner = explain("connectionauthorizationfailed").unwrap();
        assert!(owner.title.ends_with("an error of the Flow service"), "{}", owner.title);
        assert!(owner.parts[2].1.contains("co-owner"));
    }

    #[test]
    fn what_reports_call_an_ending_is_explained_as_its_exit_code() {
        for (word, code) in [
            ("exit-code-5", "exit code 5"),
            ("exit-code-130", "exit code 130"),
            ("refused", "exit code 5"),
            ("Unknown", "exit code 7"),
            ("not-ready", "exit code 8"),
        ] {
            assert_eq!(title(word), code, "{word}");
        }
        assert!(title("drift").ends_with("exit code 0, or 2 with `--detailed-exitcode`"));
    }

    #[test]
    fn the_title_of_a_problem_says_which_commands_find_it_and_how_they_end() {
        for (word, wanted) in [
            ("probe-open", "found by `check --probe` alone, exit code 0"),
            ("probe-unknown", "a warning of `check --probe` alone"),
            ("points-elsewhere", "always a warning"),
            ("plan-moved", "exit code 5"),
            ("flow-draft", "by a check, 0, or 2 with `--detailed-exitcode`"),
        ] {
            let title = title(word);
            assert!(title.contains(wanted) && !title.contains("unless"), "{title}");
        }
    }

    #[test]
    fn a_slip_finds_the_nearest_code_and_a_number_finds_none() {
        assert_eq!(explain("flow-drafts"), Err(Some("flow-draft".to_owned())));
        assert_eq!(explain("KeyUnknown"), Err(Some("key-unknown".to_owned())));
        for word in ["", "42", "99999", "AADSTS1", "nonsense"] {
            assert_eq!(explain(word), Err(None), "{word}");
        }
    }

    #[test]
    fn every_text_says_what_why_and_what_to_do_in_one_line() {
        let problems =
            Code::ALL.iter().map(|code| (code.to_string(), problems::problem_text(*code)));
        let exits = Exit::ALL
            .into_iter()
            .map(|exit| (exit.code().to_string(), exits::exit_text(exit).text));
        for (name, CodeText { meaning, why, remedy }) in problems.chain(exits) {
            for text in [meaning, why, remedy] {
                assert!(text.len() >= 6 && !text.contains(['\n', '|']), "{name}: {text}");
                assert!(!text.ends_with('.'), "{name}: {text}");
            }
            assert!(meaning != why && why != remedy, "{name}");
        }
    }

    #[test]
    fn the_index_has_every_code_once() {
        let codes: Vec<String> =
            index().into_iter().flat_map(|group| group.codes).map(|(code, _)| code).collect();
        let others = known_codes().count() + known_causes().flat_map(|one| one.codes).count();
        assert_eq!(codes.len(), Exit::ALL.len() + Code::ALL.len() + others);
        for code in codes {
            assert!(explain(&code).is_ok(), "{code}");
        }
    }

    /// Asserts that the page has a table with this head and these lines.
    fn has_table(page: &str, head: &str, lines: impl Iterator<Item = String>) {
        let columns = head.matches('|').count() - 1;
        let table = format!("{head}\n|{}\n{}", " --- |".repeat(columns), lines.collect::<String>());
        assert!(page.contains(&table), "the page needs this table:\n{table}");
    }

    #[test]
    fn the_documentation_has_the_same_exit_codes() {
        has_table(
            EXIT_CODES,
            "| code | meaning | what was written | what to do |",
            Exit::ALL.into_iter().map(|exit| {
                let exits::ExitText { written, text } = exits::exit_text(exit);
                let (code, meaning, remedy) = (exit.code(), text.meaning, text.remedy);
                format!("| {code} | {meaning} | {written} | {remedy} |\n")
            }),
        );
    }

    #[test]
    fn the_documentation_has_the_same_problems() {
        for (page, of_manifest) in [(MANIFEST, true), (PROBLEMS, false)] {
            let codes = Code::ALL.iter().filter(|code| is_manifest_problem(**code) == of_manifest);
            has_table(
                page,
                "| code | what is wrong | what to do |",
                codes.map(|code| {
                    let CodeText { meaning, remedy, .. } = problems::problem_text(*code);
                    format!("| `{code}` | {meaning} | {remedy} |\n")
                }),
            );
        }
    }
}
