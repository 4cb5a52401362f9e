//! Reports in files and what a pipeline is told: at every end of a run, and without a secret.

use std::fs;

use serde_json::Value;

use super::harness::{EXAMPLE, Ended, NOTHING, Place, place, root};

/// The extensions of the forms.
const EXTENSIONS: [&str; 5] = ["md", "xml", "sarif", "json", "html"];

/// The partner's flow, whose URL is signed, and the target that it goes to.
const PARTNER_ADDRESS: &str = "environment-variable/contoso_PartnerWebhookUrl";

/// The options for a report of every form.
pub(crate) fn report_options(place: &Place) -> Vec<String> {
    let paths = EXTENSIONS.map(|extension| place.path(&format!("report.{extension}")));
    paths.iter().flat_map(|path| ["--report".to_owned(), path.display().to_string()]).collect()
}

/// Those reports: Markdown, JUnit, SARIF, JSON and HTML.
pub(crate) fn reports(place: &Place) -> [String; 5] {
    EXTENSIONS
        .map(|extension| fs::read_to_string(place.path(&format!("report.{extension}"))).unwrap())
}

/// A run with a report of every form.
fn reported(place: &Place, variables: &[(&str, &str)], arguments: &[&str]) -> (Ended, [String; 5]) {
    let options = report_options(place);
    let options: Vec<&str> = options.iter().map(String::as_str).collect();
    let ended = place.run_with(variables, &[arguments, &options].concat());
    (ended, reports(place))
}

/// The example with some of its text replaced.
fn example(place: &Place, from: &str, to: &str) -> String {
    let text = fs::read_to_string(root(EXAMPLE)).unwrap();
    assert!(text.contains(from), "the example has `{from}`");
    place.write("flowbind.toml", &text.replace(from, to))
}

#[test]
fn a_report_is_written_however_the_run_ends() {
    let place = place();
    let refusing = example(&place, "signed-urls = \"allow\"", "signed-urls = \"refuse\"");
    let broken = place.write("broken.toml", "version = 1\n[environmentz.x]\n");
    let cases: [(&[&str], i32, &str); 6] = [
        (&["plan", "-m", EXAMPLE, "-e", "sandbox"], 0, "planned"),
        (&["apply", "-m", EXAMPLE, "-e", "sandbox"], 0, "applied"),
        (&["apply", "-m", EXAMPLE, "-e", "sandbox"], 0, "agreed"),
        (&["plan", "-m", &refusing, "-e", "sandbox"], 5, "refused"),
        (&["plan", "-m", &broken], 3, "refused"),
        (&["plan", "-m", EXAMPLE, "-e", "http://127.0.0.1:9", "--non-interactive"], 6, "refused"),
    ];
    for (arguments, code, outcome) in cases {
        let (ended, reports) = reported(&place, &[], arguments);
        assert_eq!(ended.code, code, "{}", ended.stderr);
        let document: Value = serde_json::from_str(&reports[3]).unwrap();
        assert_eq!(document["outcome"], outcome);
        assert_eq!(document["command"], arguments[0]);
        assert!(reports[0].starts_with(&format!("## flowbind {}: ", arguments[0])));
        assert!(reports[1].contains(&format!("\"flowbind.outcome\" value=\"{outcome}\"")));
        assert!(reports[2].contains("\"version\": \"2.1.0\""));
        assert!(reports[4].starts_with("<!DOCTYPE html>"));
        for report in &reports {
            assert!(!report.contains("sig="), "{report}");
        }
    }
}

#[test]
fn a_rollback_is_reported_in_every_form() {
    let place = place();
    let journal = place.path("journal").display().to_string();
    let kept = format!("plain:{journal}");
    let applied = place.run(&["apply", "-m", EXAMPLE, "-e", "sandbox", "--journal", &kept]);
    assert_eq!(applied.code, 0, "{}", applied.stderr);
    for (more, outcome, headline, skipped, said) in [
        (&["--dry-run"][..], "planned", "Changes pending", 7, "4 to remove"),
        (&[], "applied", "Rolled back", 0, "4 removed"),
        (&[], "agreed", "Already rolled back", 0, "Nothing had to be written."),
    ] {
        let (ended, reports) = reported(&place, &[], &[&["rollback", &kept], more].concat());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        let [markdown, junit, sarif, json, html] = &reports;
        assert!(markdown.starts_with(&format!("## flowbind rollback: {headline}\n")), "{markdown}");
        assert!(markdown.contains(said), "{said}: {markdown}");
        assert!(markdown.contains("· journal `"), "{markdown}");
        let totals = format!("failures=\"0\" errors=\"0\" skipped=\"{skipped}\"");
        assert!(junit.contains(&totals), "{totals}: {junit}");
        assert!(junit.contains(&format!("\"flowbind.outcome\" value=\"{outcome}\"")), "{junit}");
        let sarif: Value = serde_json::from_str(sarif).unwrap();
        assert_eq!(sarif["runs"][0]["results"].as_array().map(Vec::len), Some(0), "{sarif:#}");
        assert_eq!(sarif["runs"][0]["invocations"][0]["executionSuccessful"], true);
        let json: Value = serde_json::from_str(json).unwrap();
        assert_eq!((&json["command"], &json["outcome"]), (&"rollback".into(), &outcome.into()));
        assert!(html.contains(&format!("{headline}</h1>")), "{html}");
        assert!(html.contains("<dt>Journal</dt>"), "{html}");
        for report in &reports {
            assert!(!report.contains("sig="), "{report}");
        }
    }
}

#[test]
fn a_report_that_cannot_be_written_is_told_before_anything_is_contacted() {
    let place = place();
    let manifest = place.one();
    let is_folder = place.path("").display().to_string();
    let cases = [
        (vec!["/no-such-folder/x.md"], "cannot be written"),
        (vec!["report.txt"], "has an unknown extension"),
        (vec![&*is_folder, "--report-format", "json"], "cannot be written"),
        (
            vec![&*manifest, "--report-format", "markdown"],
            "name the same file, which would be overwritten",
        ),
        (
            vec![NOTHING, "--report-format", "json", "--report", "x.md"],
            "needs exactly one --report",
        ),
    ];
    for (report, said) in cases {
        let run = ["apply", "-m", &manifest, "-e", "sandbox", "--report"];
        let ended = place.run(&[&run[..], &report].concat());
        assert_eq!(ended.code, 3, "{report:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
        assert!(!place.state().exists());
    }
}

#[test]
fn a_file_that_two_options_name_stays_as_it_is_whichever_would_write_it() {
    let place = place();
    let manifest = place.one();
    let before = fs::read_to_string(&manifest).unwrap();
    let link = place.path("link.md").display().to_string();
    fs::hard_link(&manifest, &link).unwrap();
    for option in ["--log-file", "--journal", "--report", "--sandbox-record"] {
        let run = ["apply", "-m", &manifest, "-e", "sandbox", option, &link];
        let ended = place.run(&run);
        assert_eq!(ended.code, 3, "{option}: {}", ended.stderr);
        for named in ["--manifest", option] {
            assert!(ended.stderr.contains(named), "{named}: {}", ended.stderr);
        }
        assert_eq!(fs::read_to_string(&manifest).unwrap(), before);
        assert!(!place.state().exists());
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_report_that_fails_at_the_end_changes_the_exit_code_and_not_the_outcome() {
    let place = place();
    let (manifest, detailed) = (place.one(), ["--detailed-exitcode"]);
    let plan = ["plan", "-m", &manifest];
    let report = |form| ["--report", "/dev/full", "--report-format", form, "-e", "sandbox"];
    for form in ["markdown", "junit", "sarif", "json", "html"] {
        let ended = place.run(&[&plan[..], &report(form), &detailed].concat());
        assert_eq!(ended.code, 1, "{form}: {}", ended.stderr);
        assert!(ended.stderr.contains("/dev/full"), "{form}: {}", ended.stderr);
    }
    let run = report("json");
    let (code, document) = place.json(&[&["apply", "-m", &manifest][..], &run].concat());
    assert_eq!((code, &document["outcome"]), (1, &"applied".into()));
}

/// The lines that a runner takes for commands.
fn commands(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.starts_with("::") || line.starts_with("##")).collect()
}

#[test]
fn problems_stand_at_their_lines_in_the_log_of_a_pipeline() {
    let place = place();
    let manifest = example(&place, "signed-urls = \"allow\"", "signed-urls = \"refuse\"");
    let folder = place.path("").display().to_string();
    for (variable, workspace, wanted) in [
        (
            "GITHUB_ACTIONS",
            "GITHUB_WORKSPACE",
            "::error file=flowbind.toml,line=85,col=1,title=signed-url::flow/",
        ),
        (
            "TF_BUILD",
            "BUILD_SOURCESDIRECTORY",
            "##vso[task.logissue type=error;sourcepath=flowbind.toml;linenumber=85;columnnumber=1;code=signed-url]flow/",
        ),
    ] {
        let given = [(variable, "True"), (workspace, &*folder)];
        for format in ["human", "json"] {
            let run = ["plan", "-m", &manifest, "-e", "sandbox", "--format", format];
            let ended = place.run_with(&given, &run);
            assert_eq!(ended.code, 5, "{}", ended.stderr);
            let told = commands(&ended.stderr);
            assert!(told.iter().any(|line| line.starts_with(wanted)), "{}", ended.stderr);
            let groups = commands(&ended.stdout);
            assert_eq!(groups.len(), if format == "human" { 2 } else { 0 }, "{}", ended.stdout);
            let silent = place.run_with(&given, &[&run[..], &["--ci", "none"]].concat());
            assert_eq!(commands(&silent.stderr), [""; 0]);
            assert_eq!(commands(&silent.stdout), [""; 0]);
        }
    }
    let asked = place.run(&["plan", "-m", &manifest, "-e", "sandbox", "--ci", "github"]);
    assert!(asked.stderr.contains("::error file="), "{}", asked.stderr);
}

#[test]
fn github_gets_a_summary_and_outputs() {
    let place = place();
    let (summary, output) = (place.write("summary", "before\n"), place.write("output", "a=b\n"));
    let given = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_STEP_SUMMARY", &*summary),
        ("GITHUB_OUTPUT", &*output),
    ];
    let manifest = place.one();
    for wanted in
        ["outcome=applied\nchanges-present=true\n", "outcome=agreed\nchanges-present=false\n"]
    {
        fs::write(&output, "a=b\n").unwrap();
        let ended = place.run_with(&given, &["apply", "-m", &manifest, "-e", "sandbox"]);
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        assert_eq!(fs::read_to_string(&output).unwrap(), format!("a=b\n{wanted}"));
    }
    let text = fs::read_to_string(&summary).unwrap();
    assert!(text.starts_with("before\n## flowbind apply: Applied\n"), "{text}");
    assert!(text.contains("## flowbind apply: No changes\n"), "{text}");
}

#[test]
fn a_file_of_github_that_cannot_be_written_is_told_before_anything_is_contacted() {
    let place = place();
    let output = place.write("output", "");
    let folder = place.path("").display().to_string();
    let missing = place.path("nowhere/file").display().to_string();
    for file in [&folder, &missing] {
        for (one, other) in
            [("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"), ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")]
        {
            fs::write(&output, "").unwrap();
            let given =
                [("GITHUB_ACTIONS", "true"), (one, file.as_str()), (other, output.as_str())];
            let ended = place.run_with(&given, &["apply", "-m", EXAMPLE, "-e", "sandbox"]);
            assert_eq!(ended.code, 3, "{one}={file}: {}", ended.stderr);
            assert!(ended.stderr.contains("nothing was contacted"), "{}", ended.stderr);
            assert!(!place.state().exists(), "{one}={file}");
            assert!(!fs::read_to_string(&output).unwrap().is_empty(), "the other is written");
        }
    }
}

#[test]
fn azure_gets_a_summary_and_variables() {
    let place = place();
    let folder = place.path("agent").display().to_string();
    let given = [("TF_BUILD", "True"), ("AGENT_TEMPDIRECTORY", &*folder)];
    let ended = place.run_with(&given, &["plan", "-m", &place.one(), "-e", "sandbox"]);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let told = commands(&ended.stderr);
    for (name, value) in [("flowbindOutcome", "planned"), ("flowbindChangesPresent", "true")] {
        let line = format!("##vso[task.setvariable variable={name};isOutput=true]{value}");
        assert!(told.contains(&&*line), "{}", ended.stderr);
    }
    let path = told.iter().find_map(|line| line.strip_prefix("##vso[task.uploadsummary]")).unwrap();
    assert!(path.starts_with(&folder), "{path}");
    assert!(fs::read_to_string(path).unwrap().starts_with("## flowbind plan: Changes pending\n"));
}

/// An apply that hands the partner's URL over, with more in its environment.
fn handing(place: &Place, variables: &[(&str, &str)]) -> Ended {
    let output = format!("partnerUrl={PARTNER_ADDRESS}");
    let run = ["apply", "-m", EXAMPLE, "-e", "sandbox", "--output-url", &output];
    place.run_with(variables, &run)
}

#[test]
fn a_url_that_is_handed_over_is_covered_first_with_its_signature() {
    let place = place();
    let output = place.write("output", "");
    let given = [("GITHUB_ACTIONS", "true"), ("GITHUB_OUTPUT", &*output)];
    let ended = handing(&place, &given);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let kept = fs::read_to_string(&output).unwrap();
    let url = kept.lines().find_map(|line| line.strip_prefix("partnerUrl=")).unwrap();
    let (_, signature) = url.split_once("sig=").unwrap();
    let masked = |text: &str| format!("::add-mask::{}", text.replace('%', "%25"));
    let masks: Vec<&str> =
        commands(&ended.stderr).into_iter().filter(|line| line.contains("add-mask")).collect();
    assert!(masks.contains(&&*masked(url)) && masks.contains(&&*masked(signature)), "{masks:?}");
    let rest = ended.stderr.lines().filter(|line| !line.starts_with("::add-mask::"));
    assert!(!rest.collect::<String>().contains("sig="), "{}", ended.stderr);
    assert!(!ended.stdout.contains("sig="), "{}", ended.stdout);

    let ended = handing(&place, &[("TF_BUILD", "True")]);
    let told = commands(&ended.stderr);
    let set =
        told.iter().position(|line| line.contains("variable=partnerUrl;issecret=true")).unwrap();
    let covered = told.iter().filter(|line| line.starts_with("##vso[task.setsecret]")).count();
    let last = told.iter().rposition(|line| line.starts_with("##vso[task.setsecret]")).unwrap();
    assert!(covered >= 2 && last < set, "{told:?}");
}

#[test]
fn a_url_is_handed_to_nobody_but_a_pipeline() {
    let place = place();
    for given in [&[][..], &[("GITHUB_ACTIONS", "true")], &[("GITHUB_OUTPUT", "x")]] {
        let ended = handing(&place, given);
        assert_eq!(ended.code, 3, "{given:?}: {}", ended.stderr);
        assert!(!place.state().exists(), "nothing was contacted");
    }
    let asked = ["apply", "-m", EXAMPLE, "-e", "sandbox", "--ci", "azure", "--output-url"];
    let ended = place.run(&[&asked[..], &["x=environment-variable/contoso_StockUrl"]].concat());
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    let given = [("TF_BUILD", "True")];
    let ended = place.run_with(&given, &[&asked[..], &["x=environment-variable/nope"]].concat());
    assert_eq!(ended.code, 3, "{}", ended.stderr);
    assert!(ended.stderr.contains("the manifest has no target"), "{}", ended.stderr);
}
