//! The page at the address of the sandbox: what is served there, and what to type next.

use http::StatusCode;

use super::entra::page::{escaped, page};
use super::message::{Answer, Call};
use super::site::Site;

/// The footer of the page.
const FOOTER: &str = "An emulated tenant on this machine. Nothing here reaches Microsoft.";

/// The pages and lists that a browser can open, each with its path.
const LINKS: [(&str, &str); 3] = [
    ("/devicelogin", "Enter the code of a sign-in"),
    ("/_sandbox/requests", "Requests so far"),
    ("/_sandbox/faults", "Faults that are set"),
];

/// Answers the page.
pub(crate) fn answer(site: &Site, call: &Call) -> Answer {
    let origin = call.origin.address();
    let file = &site.tenant.file;
    let public = file.applications.iter().find(|application| !application.is_confidential());
    let command = public.map_or_else(String::new, |application| {
        let text = format!(
            "flowbind init\nflowbind plan --environment {origin} --client-id {}",
            application.client_id
        );
        section("Plan against this sandbox", &format!("<pre>{}</pre>\n", escaped(&text)))
    });
    let content = format!(
        "<h1>The sandbox is running</h1>\n{}{}{command}",
        facts(site, &origin),
        section("Open", &links())
    );
    page(StatusCode::OK, "Home", &content, FOOTER)
}

/// Renders what the tenant holds.
fn facts(site: &Site, origin: &str) -> String {
    let file = &site.tenant.file;
    let flows =
        site.tenant.synthetic.as_ref().map_or(file.flows.len(), |made_up| {
            usize::try_from(made_up.flows).unwrap_or(usize::MAX)
        });
    let user = format!("{} ({})", file.user.name, file.user.principal_name);
    let facts = [
        ("Environment", format!("{}, {origin}", file.environment.name)),
        ("Tenant", file.directory.domain.clone()),
        ("User", user),
        ("Flows", flows.to_string()),
    ];
    let rows = facts.map(|(name, text)| format!("<dt>{name}</dt><dd>{}</dd>\n", escaped(&text)));
    format!("<dl>\n{}</dl>\n", rows.concat())
}

/// Renders the links.
fn links() -> String {
    let lines = LINKS.map(|(path, text)| format!("<li><a href=\"{path}\">{text}</a></li>\n"));
    format!("<ul>\n{}</ul>\n", lines.concat())
}

fn section(title: &str, content: &str) -> String {
    format!("<section>\n<h2>{title}</h2>\n{content}</section>\n")
}
