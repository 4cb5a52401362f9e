//! The pages that the browser shows at the end: each loads nothing and runs no script.

use http::StatusCode;

use crate::model::{error_chain, escape_markup, printable};
use crate::sign_in::AuthError;

/// The maximum length of a reason, in characters.
const MAX_CHARACTERS: usize = 600;

/// The headers of every response.
const HEADERS: &str = "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n\
    X-Content-Type-Options: nosniff\r\n\
    Referrer-Policy: no-referrer\r\n\
    Cache-Control: no-store\r\n\
    Connection: close\r\n";

/// The style of a page, in light and in dark: that of the sandbox's pages.
const STYLE: &str = include_str!("page.css");

/// Formats the final page of a sign-in.
pub(super) fn final_page(error: Option<&AuthError>) -> String {
    match error {
        None => html_page(
            StatusCode::OK,
            "You are signed in",
            "<p>You may close this page and go back to the terminal.</p>",
        ),
        Some(error) => {
            html_page(StatusCode::BAD_REQUEST, "The sign-in failed", &failure_reason(error))
        }
    }
}

/// Formats the page for the answer of another sign-in, such as an older one.
pub(super) fn other_sign_in_page() -> String {
    let body = "<p>Close this page, and continue on the one that was opened last.</p>";
    html_page(StatusCode::BAD_REQUEST, "This answer does not belong to this sign-in", body)
}

/// Formats the response that rejects a request.
pub(super) fn rejection_response(status: StatusCode) -> String {
    let text = status.canonical_reason().unwrap_or_default();
    http_response(status, "text/plain; charset=utf-8", text)
}

/// Formats the reason of a failure as the terminal does.
fn failure_reason(error: &AuthError) -> String {
    let reason = escape_markup(&printable(&error_chain(error), MAX_CHARACTERS));
    format!("<p>{reason}</p>\n<p>Go back to the terminal, which shows what to do.</p>")
}

/// Formats a page with a heading.
fn html_page(status: StatusCode, heading: &str, body: &str) -> String {
    let text = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{heading} - flowbind</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<main>\n<p class=\"brand\">flowbind</p>\n<h1>{heading}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    );
    http_response(status, "text/html; charset=utf-8", &text)
}

/// Formats an HTTP response.
fn http_response(status: StatusCode, content_type: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{HEADERS}Content-Type: {content_type}\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::services::entra::Refusal;
    use crate::sign_in::SignInStep;

    #[test]
    fn a_page_says_signed_in_only_if_nothing_failed() {
        assert!(final_page(None).contains("<h1>You are signed in</h1>"));
        let failed = final_page(Some(&AuthError::BrowserTimeout));
        assert!(!failed.contains("signed in"), "{failed}");
        assert!(failed.contains("was not finished in the browser in time"), "{failed}");
    }

    #[test]
    fn what_a_service_said_is_text_on_the_page_and_nothing_more() {
        let description = "<script>alert('x')</script>&\"\u{202e} code=made-up".to_owned();
        let refusal = Refusal { description: Some(description), ..Refusal::default() };
        let page = final_page(Some(&AuthError::from_refusal(SignInStep::SignIn, refusal)));
        let wanted =
            "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;\\u{202e} code=****";
        assert!(page.contains(wanted), "{page}");
        assert!(!page.contains("<script"), "{page}");
    }

    #[test]
    fn an_answer_is_whole_and_says_what_may_be_done_with_it() {
        for text in [final_page(None), rejection_response(StatusCode::NOT_FOUND)] {
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            for header in [
                "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'",
                "Referrer-Policy: no-referrer",
                "Cache-Control: no-store",
                "Connection: close",
                &format!("Content-Length: {}", body.len()),
            ] {
                assert!(head.lines().any(|line| line == header), "{header}: {head}");
            }
        }
        assert!(
            rejection_response(StatusCode::NOT_FOUND).starts_with("HTTP/1.1 404 Not Found\r\n")
        );
    }
}
