//! Explains each exit code.

use super::code_text::{CodeText, text};
use crate::model::{Exit, docs_page};

/// The explanation of an exit code.
pub(super) struct ExitText {
    /// The changes that were written to the environment.
    pub(super) written: &'static str,
    /// The meaning, the cause and the remedy.
    pub(super) text: CodeText,
}

/// Shortens the table.
const fn exit(written: &'static str, text: CodeText) -> ExitText {
    ExitText { written, text }
}

/// Returns the explanation of an exit code.
pub(super) fn exit_text(code: Exit) -> ExitText {
    match code {
        Exit::Done => exit(
            "`applied`: the whole plan; `exported`: the file; otherwise nothing",
            text(
                "success: agreed, applied, exported, planned, or drifted",
                "everything requested was done, and every write was verified by reading back",
                "nothing; `outcome` in the JSON document names the outcome",
            ),
        ),
        Exit::Unexpected => exit(
            "nothing; if the run itself succeeded, see `outcome`",
            text(
                "unexpected failure: an answer that makes no sense, or a bug in flowbind; or the run succeeded, but a report, a summary or an output could not be written at the end",
                "a service, or something in between such as a proxy, gave an undocumented answer, or a file could not be written",
                "read the message; run again with `--log debug` and look at the request that the message names",
            ),
        ),
        Exit::ChangesPending => exit(
            "nothing; `export` has written the file",
            text(
                "changes are pending, something drifted, or an export changed its file; only with `--detailed-exitcode`",
                "the targets' values differ from the flows' current URLs",
                "read the plan, then run `flowbind apply`; without `--detailed-exitcode` the exit code is 0",
            ),
        ),
        Exit::Usage => exit(
            "nothing",
            text(
                "usage or manifest error, a journal that cannot be written or opened, deployment settings or a reviewed plan that cannot be used, or no `--yes` where nobody can be asked; no service was contacted",
                "an option, the manifest or a named file is not valid, or a variable does not hold the secret that it should hold",
                "fix what the message names; `flowbind lint` checks a manifest alone",
            ),
        ),
        Exit::SignIn => exit(
            "nothing",
            text(
                "not signed in, sign-in refused, a sign-in answer that makes no sense, a token that cannot be used, or `--non-interactive` where a person is needed",
                "Entra refused, a stored sign-in has ended, or the pipeline's secret is empty in this step",
                "`flowbind explain AADSTS...` explains Entra's number; `flowbind auth login` signs in again",
            ),
        ),
        Exit::Refused => exit(
            "nothing",
            text(
                "refused: a problem, a policy, a missing privilege, a failed guard, or no confirmation",
                "the plan has problems, the reviewed plan no longer holds, another user or run wrote at the same time, or nobody confirmed",
                "fix each problem (`flowbind explain CODE`), then run again",
            ),
        ),
        Exit::Unreachable => exit(
            "nothing",
            text(
                "a service was unreachable, throttled past the deadline, or failed; or the answer to a write was lost, and reading back showed that nothing was written",
                "the network, a proxy or a certificate blocks the connection, or the service has a fault or is overloaded",
                concat!(
                    "run again later, with a longer `--timeout`; for hosts, proxies and certificates see ",
                    docs_page!("network")
                ),
            ),
        ),
        Exit::Unknown => exit(
            "unknown: nothing, some or all of the plan",
            text(
                "outcome unknown: a write was sent but could not be verified, was accepted but reads back differently, or was interrupted for longer than 10 s",
                "the answer to a write was lost, something in the environment (a plug-in, a flow, auto-numbering) changed what was written, or the values could not be read back",
                "read the message, which says whether running again is safe; check with `flowbind plan`, or `flowbind rollback FILE --dry-run`",
            ),
        ),
        Exit::NotReady => exit(
            "nothing",
            text(
                "not ready: when the time of `--wait-ready` ran out, a flow was still off, or not yet known to the Flow service",
                "the step that turns the flow on is late or failed, or a connection reference of the flow has no connection",
                "turn on the flows that the message names, or find out why the step that turns them on failed; then run again, with a longer `--wait-ready` if that step needs more time",
            ),
        ),
        Exit::Interrupted => exit(
            "nothing",
            text(
                "interrupted before the write",
                "somebody pressed Ctrl-C, or the system or the pipeline stopped the run",
                "run again; a run that is interrupted while it writes continues until the outcome is known",
            ),
        ),
    }
}
