//! The pages of the sign-in: where a person enters a code, then approves or declines, and where a person goes on
//! with a sign-in that a browser began. Plain HTML and forms; only the page that posts itself has a script.

use http::{Method, StatusCode};

use super::super::clock::Moment;
use super::super::message::{Answer, Call, pairs};
use super::super::seal::opaque;
use super::super::site::Site;
use super::super::state::{Database, Decision, Session};
use super::super::tenant::file::Application;
use super::super::tenant::switches::ConditionalAccess;
use super::device::entered;

const STYLE: &str = include_str!("page.css");

/// Answers the page.
pub(super) fn answer(site: &Site, database: &mut Database, call: &Call) -> Answer {
    if call.method == Method::GET {
        let code =
            call.parameter("user_code").or_else(|| call.parameter("otc")).unwrap_or_default();
        return shown(StatusCode::OK, "Enter code", &entry(&code, None));
    }
    let fields = pairs(&String::from_utf8_lossy(&call.body));
    let field = |name: &str| {
        fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value.as_str())
    };
    submitted(site, database, field("user_code"), field("decision"))
}

fn submitted(site: &Site, database: &mut Database, typed: &str, decision: &str) -> Answer {
    let now = Moment::now();
    let found = entered(database, typed).filter(|(_, session)| session.expires_at > now);
    let Some((code, session)) = found.map(|(code, session)| (code.clone(), session.clone())) else {
        let problem =
            "That code is not known, or has expired. Check it against the program that showed it.";
        return shown(StatusCode::OK, "Enter code", &entry(typed, Some(problem)));
    };
    if session.decision != Decision::Pending {
        return shown(
            StatusCode::OK,
            "Already used",
            &notice("Already used", "This code was approved or declined before."),
        );
    }
    match decision {
        "approve" | "decline" if blocked(site) => shown(StatusCode::OK, "Blocked", &refused(site)),
        "approve" => decide(database, &code, Decision::Approved),
        "decline" => decide(database, &code, Decision::Declined),
        _ => shown(StatusCode::OK, "Sign in", &confirmation(site, &session)),
    }
}

fn blocked(site: &Site) -> bool {
    site.tenant.file.switches.entra.conditional_access == ConditionalAccess::BlockDeviceCode
}

fn decide(database: &mut Database, code: &str, decision: Decision) -> Answer {
    if let Some(session) = database.sessions.get_mut(code) {
        session.decision = decision;
    }
    database.touch();
    let (title, text) = match decision {
        Decision::Approved => {
            ("Signed in", "You have signed in. You can close this page and go back to the program.")
        }
        _ => ("Declined", "You have declined. The program gets no access."),
    };
    shown(StatusCode::OK, title, &notice(title, text))
}

fn entry(code: &str, problem: Option<&str>) -> String {
    let alert = problem
        .map(|text| {
            format!("<p class=\"problem\" id=\"problem\" role=\"alert\">{}</p>", escaped(text))
        })
        .unwrap_or_default();
    let described =
        if problem.is_some() { " aria-invalid=\"true\" aria-describedby=\"problem\"" } else { "" };
    format!(
        "<h1>Enter code</h1>\n<p>Enter the code that the program shows, to let it sign in as you.</p>\n{alert}\
         <form method=\"post\" action=\"/devicelogin\">\n<label for=\"user_code\">Code</label>\n\
         <input id=\"user_code\" name=\"user_code\" value=\"{}\" required autofocus autocomplete=\"off\" autocapitalize=\"characters\" spellcheck=\"false\" maxlength=\"20\"{described}>\n\
         <button class=\"main\">Next</button>\n</form>\n",
        escaped(code)
    )
}

/// Asks the person whether to go on with what an application began in the browser; `target` is where the browser
/// is sent afterwards.
pub(super) fn continuation(
    site: &Site,
    application: &Application,
    scope: &str,
    action: &str,
    target: &str,
) -> Answer {
    let user = &site.tenant.file.user;
    let content = format!(
        "<h1>Sign in to {}</h1>\n\
         <p>You sign in as <strong>{}</strong> ({}). Go on only if you started this program yourself.</p>\n\
         <p>It asks for:</p>\n<ul>{}</ul>\n\
         <form method=\"post\" action=\"{}\">\n\
         <button class=\"main\" name=\"decision\" value=\"continue\">Continue</button>\n\
         <button name=\"decision\" value=\"cancel\">Cancel</button>\n</form>\n",
        escaped(&application.name),
        escaped(&user.name),
        escaped(&user.principal_name),
        listed(scope),
        escaped(action)
    );
    // The policy holds for what a form leads to as well.
    shown(StatusCode::OK, "Sign in", &content)
        .with("content-security-policy", &policy(&format!("'self' {target}")))
}

/// Posts names and values to an application from the browser: at once where scripts run, else by a button.
pub(super) fn forward(action: &str, source: &str, told: &[(&str, String)]) -> Answer {
    let field = |(name, value): &(&str, String)| {
        format!("<input type=\"hidden\" name=\"{name}\" value=\"{}\">\n", escaped(value))
    };
    let nonce = opaque();
    let content = format!(
        "<h1>Back to the program</h1>\n<form method=\"post\" action=\"{}\">\n{}\
         <button class=\"main\">Continue</button>\n</form>\n\
         <script nonce=\"{nonce}\">document.forms[0].submit()</script>\n",
        escaped(action),
        told.iter().map(field).collect::<String>(),
    );
    let policy = format!("{}; script-src 'nonce-{nonce}'", policy(source));
    shown(StatusCode::OK, "Sign in", &content).with("content-security-policy", &policy)
}

/// Tells that a browser cannot be sent back, and why.
pub(super) fn failed(description: &str) -> Answer {
    let content = format!(
        "<h1>Sorry, but we\u{2019}re having trouble signing you in</h1>\n\
         <p class=\"problem\" role=\"alert\">{}</p>\n",
        escaped(description)
    );
    shown(StatusCode::BAD_REQUEST, "Sign in", &content)
}

fn listed(scope: &str) -> String {
    let words = scope.split_whitespace();
    let lines = words.map(|word| format!("<li><code>{}</code></li>", escaped(word)));
    lines.collect::<Vec<_>>().concat()
}

fn confirmation(site: &Site, session: &Session) -> String {
    let file = &site.tenant.file;
    let application =
        file.applications.iter().find(|application| application.client_id == session.client_id);
    let name =
        application.map_or("an unknown application", |application| application.name.as_str());
    format!(
        "<h1>Are you trying to sign in to {}?</h1>\n\
         <p>You sign in as <strong>{}</strong> ({}). Go on only if you started this program yourself.</p>\n\
         <p>It asks for:</p>\n<ul>{}</ul>\n\
         <form method=\"post\" action=\"/devicelogin\">\n<input type=\"hidden\" name=\"user_code\" value=\"{}\">\n\
         <button class=\"main\" name=\"decision\" value=\"approve\">Approve</button>\n\
         <button name=\"decision\" value=\"decline\">Decline</button>\n</form>\n",
        escaped(name),
        escaped(&file.user.name),
        escaped(&file.user.principal_name),
        listed(&session.scope),
        escaped(&session.user_code)
    )
}

fn refused(site: &Site) -> String {
    format!(
        "<h1>You don\u{2019}t have access to this</h1>\n\
         <p>Your sign-in was successful, but uses an authentication flow that is restricted by your admin.</p>\n\
         <dl><dt>Error code</dt><dd>53003</dd><dt>Account</dt><dd>{}</dd></dl>\n",
        escaped(&site.tenant.file.user.principal_name)
    )
}

fn notice(title: &str, text: &str) -> String {
    format!("<h1>{}</h1>\n<p role=\"status\">{}</p>\n", escaped(title), escaped(text))
}

fn shown(status: StatusCode, title: &str, content: &str) -> Answer {
    let footer = "This is an emulated sign-in. Nothing here reaches Microsoft, and no password is asked for.";
    page(status, title, content, footer)
}

/// Answers with a page in the style of the sandbox.
pub(crate) fn page(status: StatusCode, title: &str, content: &str, footer: &str) -> Answer {
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{} \u{2013} flowbind sandbox</title>\n<style>{STYLE}</style>\n</head>\n\
         <body>\n<main>\n<p class=\"brand\">flowbind sandbox</p>\n{content}</main>\n\
         <footer>{footer}</footer>\n</body>\n</html>\n",
        escaped(title)
    );
    Answer::text(status, "text/html; charset=utf-8", page)
        .with("content-security-policy", &policy("'self'"))
        .with("x-content-type-options", "nosniff")
        .with("referrer-policy", "no-referrer")
        .with("cache-control", "no-store")
}

/// Returns the content security policy of a page whose forms lead to `targets`.
fn policy(targets: &str) -> String {
    format!(
        "default-src 'none'; style-src 'unsafe-inline'; form-action {targets}; frame-ancestors 'none'; base-uri 'none'"
    )
}

/// Escapes a text for a page.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}
