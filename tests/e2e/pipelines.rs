//! Pipelines: what they hand in, what their logs show, and what could pass for a command in them.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::harness::{EXAMPLE, ORDER_INTAKE, Place, Served, binds, place, printing};
use super::sign_in::{FLOW, STORE_KEY, TENANT, access_token, made_up_token, refresh_token, words};

/// What asks for a sign-in.
const PROMPT: &str = "To sign in";

/// Long after this test was written.
const LATER: u64 = 9_999_999_999;

/// A place with a sandbox that serves, a refresh token of it, and a manifest.
pub(crate) struct Pipeline {
    pub(crate) place: Place,
    pub(crate) served: Served,
    token: String,
    manifest: String,
}

/// The exit code, the document and standard error.
type Outcome = (i32, Value, String);

impl Pipeline {
    pub(crate) fn new(more: &str) -> Self {
        let place = place();
        let (served, token) = place.served(more);
        let manifest = place.one();
        Self { place, served, token, manifest }
    }

    fn arguments<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let at = ["plan", "--manifest", &self.manifest, "--environment", &self.served.url];
        [&at[..], &["--token-store", "none", "--format", "json", "--non-interactive"], more]
            .concat()
    }

    pub(crate) fn plan(&self, variables: &[(&str, &str)], more: &[&str]) -> Outcome {
        let ended = self.place.run_with(variables, &self.arguments(more));
        (ended.code, read(&ended.stdout, &ended.stderr), ended.stderr)
    }

    pub(crate) fn dataverse_token(&self) -> String {
        access_token(&self.served.url, &self.token, &self.served.url)
    }

    pub(crate) fn flow_token(&self) -> String {
        access_token(&self.served.url, &self.token, FLOW)
    }
}

fn read(stdout: &str, stderr: &str) -> Value {
    serde_json::from_str(stdout).unwrap_or_else(|error| panic!("{error}: {stdout}{stderr}"))
}

#[test]
fn a_refresh_token_serves_from_a_variable_and_from_standard_input() {
    let pipeline = Pipeline::new("");
    let (code, document, stderr) =
        pipeline.plan(&[("FLOWBIND_REFRESH_TOKEN", &pipeline.token)], &[]);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(document["requests"]["entra"], 2, "one for each service");
    for text in [format!("{}\n", pipeline.token), format!(" {}\r\nmore\n", pipeline.token)] {
        let fed = pipeline.place.run_fed(&text, &pipeline.arguments(&["--refresh-token-stdin"]));
        assert_eq!(fed.code, 0, "{}", fed.stderr);
        assert!(!fed.stderr.contains(PROMPT), "{}", fed.stderr);
    }
    for text in ["", "\n", "two words\n"] {
        let fed = pipeline.place.run_fed(text, &pipeline.arguments(&["--refresh-token-stdin"]));
        assert_eq!(fed.code, 3, "{text:?}: {}", fed.stderr);
        assert!(words(&fed.stderr).contains("standard input holds no refresh token"));
    }
    // A variable that a pipeline sets to nothing is as good as none.
    let (code, document, _) = pipeline.plan(&[("FLOWBIND_REFRESH_TOKEN", "")], &[]);
    assert_eq!((code, &document["requests"]["entra"]), (4, &json!(0)));
}

#[test]
fn an_export_without_a_key_makes_one_and_prints_both_once() {
    let pipeline = Pipeline::new("");
    let place = &pipeline.place;
    let log = place.path("log").display().to_string();
    let login = ["auth", "login", "--export", "--environment", &pipeline.served.url];
    let logged = ["--log", "trace", "--log-file", &log];
    let ended = place.run_with(&[("FLOWBIND_STORE_KEY", "")], &[&login[..], &logged].concat());
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let values: Vec<_> = ended.stdout.lines().filter_map(|line| line.split_once('=')).collect();
    let [(one, key), (other, line)] = values[..] else { panic!("{}", ended.stdout) };
    assert_eq!((one, other), ("FLOWBIND_STORE_KEY", "FLOWBIND_REFRESH_TOKEN"));
    assert!(key.starts_with("AGE-SECRET-KEY-1"));
    let log = std::fs::read_to_string(&log).unwrap();
    for text in [&ended.stderr, &log] {
        assert!(!text.contains("AGE-SECRET-KEY-1") && !text.contains(line), "{text}");
    }
    assert!(!place.stores().exists(), "nothing is kept");
    let variables = [(one, key), (other, line)];
    let (code, document, stderr) = pipeline.plan(&variables, &[]);
    assert_eq!((code, &document["requests"]["entra"]), (0, &json!(2)), "{stderr}");
}

#[test]
fn the_exported_line_is_all_that_is_printed_and_serves_with_its_key_alone() {
    let pipeline = Pipeline::new("");
    let place = &pipeline.place;
    let key = ("FLOWBIND_STORE_KEY", STORE_KEY);
    let login = ["auth", "login", "--export", "--environment", &pipeline.served.url];
    let refused = place.run_with(&[("CI", "true")], &login);
    assert!(refused.stderr.contains("openssl rand"), "{}", refused.stderr);
    assert_eq!(refused.code, 3, "{}", refused.stderr);
    assert!(!refused.stderr.contains(PROMPT) && refused.stdout.is_empty());
    let anywhere = ("FLOWBIND_TOKEN_STORE", "plain");
    let ended = place.run_with(&[key, anywhere, ("CI", "true")], &login);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains(PROMPT), "{}", ended.stderr);
    let line = ended.stdout.strip_suffix('\n').unwrap();
    assert!(!line.contains(char::is_whitespace), "one line");
    assert!(line.starts_with("YWdlLWVuY3J5cHRpb24ub3JnL3Yx"), "the header of age in base64");
    assert!(!line.contains("eyJ") && !ended.stderr.contains(line));
    assert!(!place.stores().exists(), "nothing is kept");
    for copied in [line.to_owned(), format!("  {line}\n"), line.replacen('J', "J\n", 3)] {
        let (code, document, stderr) =
            pipeline.plan(&[("FLOWBIND_REFRESH_TOKEN", &copied), key], &[]);
        assert_eq!(code, 0, "{stderr}");
        assert_eq!(document["requests"]["entra"], 2);
    }
    let other = ("FLOWBIND_STORE_KEY", "another made-up store key");
    let short = &line[..line.len() - 9];
    for (line, variables, said) in [
        (line, vec![], "FLOWBIND_STORE_KEY is not set"),
        (line, vec![other], "made with another key"),
        (short, vec![key], "holds no sign-ins that can be read"),
    ] {
        let variables = [variables, vec![("FLOWBIND_REFRESH_TOKEN", line)]].concat();
        let (code, document, stderr) = pipeline.plan(&variables, &[]);
        assert_eq!(code, 3, "{stderr}");
        assert!(words(&stderr).contains(said), "{said}: {stderr}");
        assert_eq!(document["requests"]["entra"], 0);
        assert!(!stderr.contains(line));
    }
}

#[test]
fn tokens_that_were_made_elsewhere_serve_without_a_person() {
    let pipeline = Pipeline::new("");
    let (dataverse, flow) = (pipeline.dataverse_token(), pipeline.flow_token());
    let given = [("FLOWBIND_DATAVERSE_TOKEN", &*dataverse), ("FLOWBIND_FLOW_TOKEN", &flow)];
    let (code, document, stderr) = pipeline.plan(&given, &[]);
    assert_eq!(code, 0, "{stderr}");
    assert_eq!(document["requests"]["entra"], 0, "nobody signs in");
    assert!(stderr.contains("Signed in as sandy@contoso.example"), "{stderr}");
    for (alone, other) in [(given[0], 1), (given[1], 0)] {
        let (code, document, stderr) = pipeline.plan(&[alone], &[]);
        assert_eq!(code, 4, "{other}: {stderr}");
        assert_eq!(document["requests"]["entra"], 0);
        let both = [alone, ("FLOWBIND_REFRESH_TOKEN", &*pipeline.token)];
        let (code, document, stderr) = pipeline.plan(&both, &[]);
        assert_eq!((code, &document["requests"]["entra"]), (0, &json!(1)), "{stderr}");
    }
}

#[test]
fn a_given_token_that_would_be_refused_is_told_before_it_is_sent() {
    let pipeline = Pipeline::new("");
    let url = &pipeline.served.url;
    let (dataverse, flow) = (pipeline.dataverse_token(), pipeline.flow_token());
    let token = |change: &[(&str, Value)]| {
        let mut claims =
            json!({"aud": url, "tid": TENANT, "scp": "user_impersonation", "exp": LATER});
        for (name, value) in change {
            claims[*name] = value.clone();
        }
        made_up_token(&claims)
    };
    let foreign = "11111111-9d0e-4b7a-8a35-5e2f6d1b9c40";
    let cases = [
        (flow.clone(), flow.clone(), "FLOWBIND_DATAVERSE_TOKEN is for `https://service.flow"),
        (dataverse.clone(), dataverse.clone(), "FLOWBIND_FLOW_TOKEN is for `http://127.0.0.1"),
        (
            token(&[("exp", json!(1_600_000_000))]),
            flow.clone(),
            "FLOWBIND_DATAVERSE_TOKEN has expired",
        ),
        (token(&[("tid", json!(foreign))]), flow.clone(), "is from the tenant 11111111"),
        (
            dataverse.clone(),
            token(&[("aud", json!(FLOW)), ("scp", Value::Null), ("idtyp", json!("app"))]),
            "belongs to an application, not to a person",
        ),
        (dataverse.clone(), token(&[("aud", json!(FLOW)), ("scp", Value::Null)]), "application"),
        ("two words".to_owned(), flow.clone(), "FLOWBIND_DATAVERSE_TOKEN is not a token"),
        (dataverse.clone(), format!("Bearer {flow}"), "FLOWBIND_FLOW_TOKEN is not a token"),
    ];
    for (dataverse, flow, said) in cases {
        let given = [("FLOWBIND_DATAVERSE_TOKEN", &*dataverse), ("FLOWBIND_FLOW_TOKEN", &flow)];
        let (code, document, stderr) = pipeline.plan(&given, &["--tenant", TENANT]);
        assert!(words(&stderr).contains(said), "{said}: {stderr}");
        assert!(stderr.contains("  help: "), "{stderr}");
        assert_eq!(code, 4, "{said}: {stderr}");
        let sent = &document["requests"];
        assert_eq!(
            (&sent["entra"], &sent["dataverse"], &sent["flow"]),
            (&json!(0), &json!(0), &json!(0)),
            "{said}"
        );
    }
}

#[test]
fn the_token_of_a_guest_from_another_tenant_is_told_without_a_setting() {
    let pipeline = Pipeline::new("");
    let url = &pipeline.served.url;
    let foreign = "11111111-9d0e-4b7a-8a35-5e2f6d1b9c40";
    let claims = json!({"aud": url, "tid": foreign, "scp": "user_impersonation", "exp": LATER});
    let (guest, flow) = (made_up_token(&claims), pipeline.flow_token());
    let given = [("FLOWBIND_DATAVERSE_TOKEN", &*guest), ("FLOWBIND_FLOW_TOKEN", &flow)];
    let (code, document, stderr) = pipeline.plan(&given, &[]);
    let said = words(&stderr);
    assert_eq!(code, 4, "{stderr}");
    assert!(said.contains(&format!("is from the tenant {foreign}, not {TENANT}")), "{said}");
    assert!(said.contains(&format!("az login --tenant {TENANT}")), "{said}");
    assert_eq!(document["requests"]["flow"], 0);
}

#[test]
fn a_challenge_is_named_where_the_token_was_made_elsewhere() {
    let pipeline = Pipeline::new("[switches.dataverse]\nclaims-challenge = \"once\"");
    let (dataverse, flow) = (pipeline.dataverse_token(), pipeline.flow_token());
    let given = [("FLOWBIND_DATAVERSE_TOKEN", &*dataverse), ("FLOWBIND_FLOW_TOKEN", &flow)];
    let command = format!("dataverse:{}", printing(&pipeline.place.write("token.txt", &dataverse)));
    for (given, more) in [(&given[..], &[][..]), (&given[1..], &["--token-command", &*command])] {
        let (code, _, stderr) = pipeline.plan(given, more);
        let said = words(&stderr);
        assert_eq!(code, 4, "{stderr}");
        assert!(said.contains("a challenge of continuous access evaluation"), "{said}");
        assert!(said.contains("you: sign in again where the token was made"), "{said}");
    }
}

#[test]
fn a_secret_that_is_empty_is_named_as_empty() {
    let pipeline = Pipeline::new("");
    let (code, _, stderr) = pipeline.plan(&[("FLOWBIND_REFRESH_TOKEN", "")], &[]);
    assert_eq!(code, 4, "{stderr}");
    let said = words(&stderr);
    assert!(said.contains("help: FLOWBIND_REFRESH_TOKEN is there, and empty"), "{said}");
    let (_, _, stderr) = pipeline.plan(&[], &[]);
    assert!(!stderr.contains("and empty"), "{stderr}");
}

#[test]
fn a_sign_in_that_ended_is_told_by_its_secret_and_how_to_renew_it() {
    let ended = "[[sign-in-refusal]]\non = \"refresh\"\ncode = 700082";
    let pipeline = Pipeline::new(ended);
    let (code, _, stderr) = pipeline.plan(&[("FLOWBIND_REFRESH_TOKEN", &pipeline.token)], &[]);
    let said = words(&stderr);
    assert_eq!(code, 4, "{stderr}");
    assert!(
        said.contains("error: the sign-in in FLOWBIND_REFRESH_TOKEN is no longer valid"),
        "{said}"
    );
    assert!(said.contains("help: you: run `flowbind auth login --export`"), "{said}");
}

// By scripts of `sh`; `windows` has a script of cmd.
#[cfg(unix)]
#[test]
fn a_command_gives_tokens_of_both_services_or_of_one() {
    let pipeline = Pipeline::new("");
    let place = &pipeline.place;
    let dataverse = place.write("dataverse.txt", &pipeline.dataverse_token());
    let flow = place.write("flow.txt", &pipeline.flow_token());
    let script = place.write(
        "token.sh",
        &format!(
            "case \"$1\" in *service.flow*) cat '{flow}';; *) cat '{dataverse}';; esac\n[ \"$1\" = \"$FLOWBIND_RESOURCE\" ] && env | grep -c FLOWBIND_REFRESH >&2\nexit 0\n"
        ),
    );
    let printing = place.write(
        "json.sh",
        &format!(
            "printf '{{\"accessToken\": \"%s\", \"expires_on\": {LATER}}}' \"$(cat '{flow}')\""
        ),
    );
    let both = format!("sh {script} {{resource}}");
    let (code, document, stderr) = pipeline.plan(&[], &["--token-command", &both]);
    assert_eq!((code, &document["requests"]["entra"]), (0, &json!(0)), "{stderr}");
    let one = format!("dataverse:cat {dataverse}");
    let other = format!("flow:sh {printing}");
    let (code, document, stderr) =
        pipeline.plan(&[], &["--token-command", &one, "--token-command", &other]);
    assert_eq!((code, &document["requests"]["entra"]), (0, &json!(0)), "{stderr}");
    let (code, _, stderr) =
        pipeline.plan(&[("FLOWBIND_REFRESH_TOKEN", &pipeline.token)], &["--token-command", &other]);
    assert_eq!(code, 0, "{stderr}");
    // The one that names a service comes first.
    let (code, _, stderr) = pipeline.plan(
        &[],
        &["--token-command", "false", "--token-command", &one, "--token-command", &other],
    );
    assert_eq!(code, 0, "{stderr}");
}

#[cfg(unix)]
#[test]
fn a_command_that_gives_no_token_is_told_with_its_own_last_words() {
    let pipeline = Pipeline::new("");
    let failing = "sh -c 'echo no; echo \"Please run az login\" >&2; exit 3'";
    for (command, code, said) in [
        (failing, 4, "ended with exit status: 3: Please run az login"),
        ("sh -c 'exit 1'", 4, "ended with exit status: 1"),
        ("echo two words", 4, "it printed no token"),
        ("echo '{\"refresh_token\": \"x\"}'", 4, "it printed no token"),
        ("true", 4, "it printed no token"),
        ("no-such-program-anywhere", 4, "it could not be started"),
    ] {
        let (ended, document, stderr) = pipeline.plan(&[], &["--token-command", command]);
        assert_eq!(ended, code, "{command}: {stderr}");
        assert!(words(&stderr).contains(said), "{said}: {stderr}");
        assert_eq!(document["requests"]["entra"], 0, "{command}");
    }
    for command in ["", "sh -c 'open"] {
        let ended =
            pipeline.place.run_with(&[], &pipeline.arguments(&["--token-command", command]));
        assert_eq!(ended.code, 3, "{command}: {}", ended.stderr);
    }
}

#[test]
fn a_run_that_asks_nobody_ends_at_once_and_contacts_no_authority() {
    let pipeline = Pipeline::new("");
    let begin = Instant::now();
    let (code, document, stderr) = pipeline.plan(&[], &[]);
    assert!(begin.elapsed() < Duration::from_secs(5));
    assert_eq!(code, 4, "{stderr}");
    assert_eq!(document["requests"]["entra"], 0, "no device code was asked for");
    assert_eq!(document["error"]["exit-code"], 4);
    let said = words(&stderr);
    assert!(
        said.contains("flowbind auth login") && said.contains("FLOWBIND_REFRESH_TOKEN"),
        "{said}"
    );
    let (code, document, stderr) =
        pipeline.plan(&[("FLOWBIND_REFRESH_TOKEN", "made-up-and-worthless")], &[]);
    assert_eq!((code, &document["requests"]["entra"]), (4, &json!(1)), "{stderr}");
    assert!(!stderr.contains("made-up-and-worthless"));
}

/// Every line that a runner would take for a command.
fn commands(text: &str) -> Vec<&str> {
    let is = |line: &&str| {
        line.trim_start().starts_with("::") || line.contains("##vso[") || line.contains("##[")
    };
    text.lines().filter(is).collect()
}

/// How each of our lines begins: the notice of a sign-in first.
type Ours = &'static [&'static str];

/// The runners, by the variable that tells of them, and how each of our lines begins.
const RUNNERS: [(&str, &str, Ours); 2] = [
    (
        "GITHUB_ACTIONS",
        "true",
        &[
            "::notice title=Sign-in required::",
            "::warning::",
            "::warning file=",
            "::error file=",
            "::error title=flowbind::",
            "::group::Targets: ",
            "::endgroup::",
        ],
    ),
    (
        "TF_BUILD",
        "True",
        &[
            "##vso[task.logissue type=warning]Sign-in required",
            "##vso[task.logissue type=warning]",
            "##vso[task.logissue type=warning;sourcepath=",
            "##vso[task.logissue type=error;sourcepath=",
            "##vso[task.logissue type=error;code=flowbind]",
            "##vso[task.setvariable variable=flowbindOutcome;isOutput=true]",
            "##vso[task.setvariable variable=flowbindChangesPresent;isOutput=true]",
            "##[group]Targets: ",
            "##[endgroup]",
        ],
    ),
];

/// Checks that a runner takes nothing for a command but our own lines, and counts those that tell of
/// a sign-in.
fn only_ours(text: &str, ours: Ours) -> usize {
    for line in commands(text) {
        let rest = ours.iter().find_map(|begin| line.strip_prefix(begin));
        let rest = rest.unwrap_or_else(|| panic!("not ours: {line}\n{text}"));
        assert!(!rest.contains("##vso[") && !rest.contains("##["), "{line}");
    }
    commands(text).iter().filter(|line| line.starts_with(ours[0])).count()
}

#[test]
fn a_sign_in_stands_out_in_the_log_of_a_pipeline_and_the_document_stays_whole() {
    for (name, value, ours) in RUNNERS {
        for format in ["human", "json"] {
            let place = place();
            let served = place.serving("");
            let url = &served.url;
            let run = ["plan", "--manifest", EXAMPLE, "--environment", url, "--format", format];
            let ended = place.run_with(&[(name, value)], &run);
            assert_eq!(ended.code, 0, "{}", ended.stderr);
            assert_eq!(only_ours(&ended.stderr, ours), 1, "{}", ended.stderr);
            assert_eq!(only_ours(&ended.stdout, ours), 0, "{}", ended.stdout);
            let notice = commands(&ended.stderr)[0];
            assert!(
                notice.contains("/devicelogin") && notice.contains("enter the code"),
                "{notice}"
            );
            if format == "json" {
                assert_eq!(read(&ended.stdout, "")["outcome"], "planned");
            }
        }
    }
}

/// What would be a command of each runner, wherever it stands in a text or at a line's begin.
const HOSTILE: &str = r"##vso[task.setvariable variable=x]y ##[error]z\n::error::a\r\n::set-env name=x::y\n##[group]b";

#[test]
fn the_name_of_a_flow_is_no_command_to_a_pipeline() {
    for (name, value, ours) in RUNNERS {
        let place = place();
        let hostile = format!("name = \"{HOSTILE}\"");
        let tenant = place.tenant(&[
            ("name = \"Order intake\"", &hostile),
            ("name = \"Sandy Deployer\"", &hostile),
            ("principal-name = \"sandy@contoso.example\"", &format!("principal-{hostile}")),
            ("display-name = \"Order intake URL\"", &format!("display-{hostile}")),
        ]);
        let served = Served::start(&place, &["--approve-after", "0", "--tenant", &tenant]);
        let flow = "[[flow]]\nname = \"##vso[task.setvariable variable=x]y ::error::z\"\n";
        let named = binds(ORDER_INTAKE, "contoso_OrderIntakeUrl").replacen("[[flow]]\n", flow, 1);
        let manifest = place.manifest(&named);
        for command in ["plan", "apply"] {
            for (format, log) in [("human", "text"), ("json", "json")] {
                let yes: &[&str] = if command == "apply" { &["--yes"] } else { &[] };
                let run = [command, "--manifest", &manifest, "--environment", &served.url];
                let forms = ["--format", format, "--log", "trace", "--log-format", log];
                let ended = place.run_with(&[(name, value)], &[&run[..], &forms, yes].concat());
                assert_eq!(ended.code, 0, "{}", ended.stderr);
                only_ours(&ended.stderr, ours);
                assert_eq!(only_ours(&ended.stdout, ours), 0, "{}", ended.stdout);
            }
        }
    }
}

#[cfg(unix)]
#[test]
fn a_report_on_a_stream_is_no_command_to_a_pipeline() {
    for (name, value, ours) in RUNNERS {
        let place = place();
        let tenant = place.tenant(&[("name = \"Order intake\"", &format!("name = \"{HOSTILE}\""))]);
        let served = Served::start(&place, &["--approve-after", "0", "--tenant", &tenant]);
        let manifest = place.one();
        let run = ["plan", "--manifest", &manifest, "--environment", &served.url];
        for form in ["markdown", "junit", "sarif", "json", "html"] {
            let report = ["--report", "/dev/stdout", "--report-format", form, "--format", "json"];
            let ended = place.run_with(&[(name, value)], &[&run[..], &report].concat());
            assert_eq!(ended.code, 0, "{}", ended.stderr);
            assert!(ended.stdout.contains("## vso"), "{form} has the name: {}", ended.stdout);
            assert_eq!(only_ours(&ended.stdout, ours), 0, "{}", ended.stdout);
        }
        let ended =
            place.run_with(&[(name, value)], &[&run[..], &["--out", "/dev/stdout"]].concat());
        assert_eq!((ended.code, ended.stdout.as_str()), (3, ""), "{}", ended.stderr);
    }
}

#[test]
fn a_line_of_a_manifest_is_no_command_to_a_pipeline() {
    for (name, value, ours) in RUNNERS {
        let place = place();
        for flow in [
            format!("[[flow]]\nname = \"{HOSTILE}\"\n"),
            "[[flow]]\nworkflow-id = \"##vso[task.x]y\"\n".to_owned(),
            "[[flow]]\n\"##vso[task.x]y ##[error]z\" = 1\n".to_owned(),
            "[\"##[group]x\"]\n::error::x\n".to_owned(),
        ] {
            let manifest = place.manifest(&flow);
            for format in ["human", "json"] {
                let run = ["plan", "--manifest", &manifest, "--format", format];
                let ended = place.run_with(&[(name, value)], &run);
                assert_eq!(ended.code, 3, "{}", ended.stderr);
                assert_eq!(only_ours(&ended.stderr, ours), 0, "{}", ended.stderr);
                assert_eq!(only_ours(&ended.stdout, ours), 0, "{}", ended.stdout);
            }
        }
    }
}

#[test]
fn what_entra_says_is_no_command_to_a_pipeline() {
    for ((name, value, ours), format) in RUNNERS.into_iter().zip(["human", "json"]) {
        // A code that nobody explains, so that Entra's own words are shown, and one that is.
        for (on, code) in [("device-code", 50105), ("poll", 77777), ("refresh", 77777)] {
            let place = place();
            let served = place.serving(&format!(
                "[[sign-in-refusal]]\non = \"{on}\"\ncode = {code}\nerror = \"invalid_grant\"\nsuberror = \"message_only\"\ndescription = \"{HOSTILE}\""
            ));
            let manifest = place.one();
            let run = ["plan", "--manifest", &manifest, "--environment", &served.url];
            let ended =
                place.run_with(&[(name, value)], &[&run[..], &["--format", format]].concat());
            assert_eq!(ended.code, 4, "{}", ended.stderr);
            assert!(words(&ended.stderr).contains("setvariable"), "as text: {}", ended.stderr);
            only_ours(&ended.stderr, ours);
            assert_eq!(only_ours(&ended.stdout, ours), 0, "{}", ended.stdout);
        }
    }
}

#[test]
fn a_login_asks_a_person_whatever_tokens_are_there_for_runs() {
    let pipeline = Pipeline::new("");
    let given = [("FLOWBIND_DATAVERSE_TOKEN", "made-up"), ("FLOWBIND_FLOW_TOKEN", "made-up")];
    let run = ["auth", "login", "--token-store", "plain", "--environment", &pipeline.served.url];
    let ended = pipeline.place.run_with(&given, &run);
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    assert!(ended.stderr.contains(PROMPT));
    assert!(!refresh_token(&pipeline.place.stores().join("sign-ins.json")).is_empty());
}

#[test]
fn nothing_that_was_handed_in_goes_to_an_address_that_the_manifest_alone_names() {
    let place = place();
    let served = Served::start(&place, &["--approve-after", "0"]);
    let flows = binds(ORDER_INTAKE, "contoso_OrderIntakeUrl");
    for url in [served.url.as_str(), "https://127.0.0.1:9", "https://environment.example"] {
        let cloud = if url.contains("example") { "cloud = \"public\"\n" } else { "" };
        let identity = "client-id = \"00000000-0000-4000-8000-0000000000a1\"\nclient-secret-variable = \"MADE_UP\"\n";
        let head = format!(
            "version = 1\n[environments.here]\nurl = \"{url}\"\n{cloud}client-id = \"00000000-0000-4000-8000-00000000f10b\"\n"
        );
        let plain = place.write("plain.toml", &format!("{head}{flows}"));
        let own = format!("{head}[environments.here.dataverse-identity]\n{identity}{flows}");
        let own = place.write("own.toml", &own);
        for (manifest, variable) in [
            (&plain, "FLOWBIND_REFRESH_TOKEN"),
            (&plain, "FLOWBIND_DATAVERSE_TOKEN"),
            (&plain, "FLOWBIND_FLOW_TOKEN"),
            (&own, "MADE_UP"),
        ] {
            let run = ["plan", "--manifest", manifest, "--non-interactive"];
            let ended = place.run_with(&[(variable, "made-up")], &run);
            assert_eq!(ended.code, 3, "{url} {variable}: {}", ended.stderr);
            assert!(ended.stderr.contains(&format!("--environment {url}")), "{}", ended.stderr);
        }
    }
}
