//! Explains each exit code.

use super::{CodeText, text};
use crate::model::Exit;

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
            "what the plan said",
            text(
                "agreed, applied, exported, planned, or drifted",
                "everything that was asked for was done, and what was written was read back",
                "nothing; `outcome` in the JSON document tells which of them it was",
            ),
        ),
        Exit::Unexpected => exit(
            "nothing; after a run that ended well, what `outcome` says",
            text(
                "unexpected failure: an answer that makes no sense, or a fault of the program; or the run ended well, and a report, a summary or an output could not be written at its end",
                "a service, or something between here and it such as a proxy, answered what its documentation does not know, or a file could not be written",
                "read the message; run again with `--log debug` and look at the request that it names",
            ),
        ),
        Exit::ChangesPending => exit(
            "nothing, but an export its file",
            text(
                "changes are pending, something drifted, or an export changed its file; only with `--detailed-exitcode`",
                "what the targets hold differs from what the flows' URLs are now",
                "look at the plan, then `flowbind apply`; without `--detailed-exitcode` the code is 0",
            ),
        ),
        Exit::Usage => exit(
            "nothing",
            text(
                "usage or manifest error, a journal that cannot be kept or opened, deployment settings or a reviewed plan that cannot be used, or no `--yes` where nobody can be asked; nothing was contacted",
                "an option, the manifest or a file that was named is not as it has to be, or a variable that should hold a secret does not",
                "mend what the message names; `flowbind lint` checks a manifest alone",
            ),
        ),
        Exit::SignIn => exit(
            "nothing",
            text(
                "not signed in, sign-in refused, an answer to it that makes no sense, a token that does not serve, or `--non-interactive` where a person is needed",
                "Entra refused, a kept sign-in has ended, or the pipeline's secret is empty in this step",
                "`flowbind explain AADSTS...` explains Entra's number; `flowbind auth login` signs in anew",
            ),
        ),
        Exit::Refused => exit(
            "nothing",
            text(
                "refused: a problem, a policy, a missing privilege, a guard that no longer holds, or not confirmed",
                "the plan has problems, the reviewed plan no longer holds, somebody else wrote at the same time, or nobody said yes",
                "mend each problem, of which `flowbind explain` with its code tells more, and run again",
            ),
        ),
        Exit::Unreachable => exit(
            "nothing",
            text(
                "a service was unreachable, throttled past the deadline, or failed; or the answer to a write was lost, and reading back showed that it is not in",
                "the network, a proxy or a certificate stands between, or the service has a fault or too much to do",
                "run again later, with more `--timeout`; docs/network.md lists hosts, proxies and certificates",
            ),
        ),
        Exit::Unknown => exit(
            "perhaps something: some or all of the plan",
            text(
                "outcome unknown: a write was sent and could not be verified, the service accepted it and something else reads back, or it was interrupted for longer than 10 s",
                "the answer to a write was lost, something in the environment (a plug-in, a flow, auto-numbering) changed what was written, or what was read back could not be read",
                "read the message, which says whether running again is safe; look with `flowbind plan`, or `flowbind rollback FILE --dry-run`",
            ),
        ),
        Exit::NotReady => exit(
            "nothing",
            text(
                "not ready: a flow was still off, or not known to the Flow service yet, when the time of `--wait-ready` was over",
                "the step that turns the flow on has not come that far or failed, or a connection reference of the flow has no connection",
                "turn on the flows that the message names, or look why that step did not, and run again, with a longer `--wait-ready` if it needs more time",
            ),
        ),
        Exit::Interrupted => exit(
            "nothing",
            text(
                "interrupted before the write",
                "somebody pressed Ctrl-C, or the system or the pipeline stopped the run",
                "run again; a run that is interrupted while it writes goes on until its outcome is known",
            ),
        ),
    }
}
