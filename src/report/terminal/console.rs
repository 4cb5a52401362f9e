//! Writes messages and results to standard output and standard error during a run.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::path::Path;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use anstream::{AutoStream, ColorChoice};
use supports_hyperlinks::Stream;

use super::layout::{counted, wrap};
use super::style::DIM;
use super::{explanations, human, progress};
use crate::manifest::style_problems;
use crate::model::{
    EnvironmentUrl, Event, Exit, Failure, Problem, ServiceWait, escape_hidden, printable,
    printable_path,
};
use crate::plan::Plan;
use crate::report::explain::{Explanation, Group};
use crate::report::files::json;
use crate::report::pipeline::annotation;
use crate::report::pipeline::secret_outputs::Secrets;
use crate::report::printed::{link, safe_json, safe_text};
use crate::report::wording::counts;
use crate::report::{
    CommandFilter, Outcome, Run, RunCommand, Runner, RunnerCommand, event_log, wording,
};

/// The default width without a terminal.
const DEFAULT_WIDTH: usize = 100;

/// The title of a pipeline's notice about a sign-in.
const SIGN_IN: &str = "Sign-in required";

/// The hint for a person who has approved a sign-in that does not complete: only the page shows the
/// refusal, and Entra does not report it to this program
/// (<https://learn.microsoft.com/entra/identity/conditional-access/policy-block-authentication-flows>).
const STILL_WAITING: &str = "Still waiting. If the page says \"You don't have access to this\" or error 53003, your \
     organisation blocks device codes: stop with Ctrl+C and run the same command again with --browser, \
     or ask an Entra administrator to exclude this account.";

/// The output format of the result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Text.
    #[default]
    Human,
    /// A JSON document.
    Json,
}

/// The streams of the program.
pub(crate) struct Console {
    format: Format,
    /// True if targets that are up to date are listed.
    verbose: bool,
    width: usize,
    /// The width of prose, unlimited in a log.
    prose: usize,
    /// True if progress is shown, which needs no lines of its own then.
    live: bool,
    /// True if addresses are links that the terminal opens.
    links: bool,
    /// The numbers of flows that were read and that there are.
    read: Mutex<(usize, usize)>,
    output: Mutex<AutoStream<io::Stdout>>,
    messages: Mutex<AutoStream<io::Stderr>>,
    file: String,
    runner: Option<Runner>,
    user: Mutex<Option<String>>,
}

impl Console {
    /// Creates a console for this process's streams. Messages call the manifest `file`.
    pub(crate) fn new(
        (format, verbose): (Format, bool),
        color: ColorChoice,
        columns: Option<usize>,
        runner: Option<Runner>,
        file: &str,
    ) -> Self {
        let measured = terminal_size::terminal_size().map(|(width, _)| usize::from(width.0));
        let width = measured.or(columns).unwrap_or(DEFAULT_WIDTH).clamp(40, 240);
        let messages = AutoStream::new(io::stderr(), color);
        let live = progress::is_possible();
        let escapes = messages.current_choice() != ColorChoice::Never;
        Self {
            format,
            verbose,
            width,
            prose: measured.or(columns).unwrap_or(usize::MAX),
            live,
            links: live && escapes && supports_hyperlinks::on(Stream::Stderr),
            read: Mutex::default(),
            output: Mutex::new(AutoStream::new(io::stdout(), color)),
            messages: Mutex::new(messages),
            file: escape_hidden(file),
            runner,
            user: Mutex::default(),
        }
    }

    /// Returns the pipeline runner of this process, if it is a runner that takes commands.
    pub(crate) fn runner(&self) -> Option<Runner> {
        self.runner
    }

    /// Returns the name of the signed-in user, if known.
    pub(crate) fn user(&self) -> Option<String> {
        self.user.lock().ok()?.clone()
    }

    /// Writes the result of a run.
    pub(crate) fn conclude(&self, run: &Run<'_>) {
        self.clear();
        event_log::conclusion(run);
        if let Some(failure) = run.failure {
            event_log::failure(failure);
            self.message(&human::failure(failure, self.width));
        }
        if let Some(runner) = self.runner {
            for command in annotation::annotations(runner, run) {
                self.command(&command);
            }
        }
        match self.format {
            Format::Human => self.write_result(&human::conclusion(run, self.prose)),
            Format::Json => self.document(run),
        }
        if run.environment.is_some() && self.format == Format::Human {
            self.message(&format!("{DIM}Took {}.{DIM:#}\n", wording::duration(run.duration)));
        }
    }

    /// Writes the error of a command that has no report.
    pub(crate) fn fail(&self, failure: &Failure) {
        self.clear();
        event_log::failure(failure);
        self.message(&human::failure(failure, self.width));
    }

    /// Writes a text for people to standard output.
    pub(crate) fn write_result(&self, text: &str) {
        self.write_verbatim(&safe_text(text));
    }

    /// Writes this program's own text for another program to standard output, byte for byte.
    pub(crate) fn write_verbatim(&self, text: &str) {
        self.clear();
        note_loss(try_write(&self.output, text));
    }

    /// Writes the run as a JSON document to standard output.
    fn document(&self, run: &Run<'_>) {
        self.clear();
        let Ok(mut output) = self.output.lock() else { return };
        let mut output = CommandFilter::new(&mut *output, safe_json);
        note_loss(json::write(run, &mut output).and_then(|()| output.flush()));
    }

    /// Writes the explanation of a code.
    pub(crate) fn explain(&self, explanation: &Explanation) {
        self.write_result(&explanations::explanation(explanation, self.width));
    }

    /// Writes the meaning of every code.
    pub(crate) fn write_codes(&self, groups: &[Group]) {
        self.write_result(&explanations::index(groups, self.width));
    }

    /// Writes a text to standard error.
    pub(crate) fn message(&self, text: &str) {
        write(&self.messages, &safe_text(text));
    }

    /// Writes the problems of a manifest, each with its line.
    pub(crate) fn problems(&self, file: &str, bytes: &[u8], problems: &[Problem]) {
        self.message(&(style_problems(self.width, file, bytes, problems) + "\n"));
    }

    /// Returns the reason why nobody can be asked to confirm a plan; nothing if a person can be
    /// asked.
    pub(crate) fn why_not_interactive(&self) -> Option<&'static str> {
        if self.format != Format::Human {
            Some("the output format is JSON")
        } else if !io::stdin().is_terminal() {
            Some("standard input is not a terminal")
        } else if !io::stdout().is_terminal() {
            Some("standard output is not a terminal")
        } else if !io::stderr().is_terminal() {
            Some("standard error is not a terminal")
        } else {
            None
        }
    }

    /// Sends a command to the runner on standard error: the runner reads both streams, and standard
    /// output is for the result.
    pub(crate) fn command(&self, command: &RunnerCommand) {
        write(&self.messages, &command.line());
    }

    /// Covers secrets in the log from here on. The only place where this program prints one.
    pub(crate) fn mask_secrets(&self, secrets: &Secrets) {
        write(&self.messages, secrets.expose());
    }

    /// Shows a part of the result, folded in the runner's log.
    fn folded(&self, title: &str, text: &str) {
        let Some(runner) = self.runner.filter(|_| !text.is_empty()) else {
            return self.write_result(text);
        };
        let (begin, end) = runner.group(title);
        let text = safe_text(text);
        write(&self.output, &format!("{}{text}{}", begin.line(), end.line()));
    }

    /// Shows a warning.
    fn warning(&self, text: &str) {
        match self.runner {
            Some(runner) => self.command(&runner.warning(text)),
            None => self.line(&format!("warning: {text}")),
        }
    }

    /// Takes the progress off the screen.
    pub(crate) fn clear(&self) {
        if self.live {
            progress::clear();
        }
    }

    /// Shows a step as progress on a terminal, and as a line elsewhere.
    fn step(&self, text: &str) {
        if self.live {
            progress::show_spinner(text);
        } else {
            self.line(&format!("{text} …"));
        }
    }

    /// Shows the address of the sandbox that serves the run, and the place of its state.
    fn sandbox_started(&self, address: &str, state: Option<&Path>, anew: bool) {
        let place = state
            .map_or_else(|| "in memory".to_owned(), |path| format!("in {}", printable_path(path)));
        let anew = if anew { " (reset: the tenant was changed)" } else { "" };
        self.line(&format!("Sandbox tenant at {address}, its state {place}{anew}"));
    }

    /// Shows what a command would do in this environment, or what a check found, and logs it. Shows
    /// nothing in JSON, where the plan is part of the result.
    pub(crate) fn show_plan(
        &self,
        command: &RunCommand,
        plan: &Plan,
        environment: &str,
        url: &EnvironmentUrl,
    ) {
        event_log::plan(plan);
        self.clear();
        if self.format == Format::Human {
            let words = human::plan_words(command);
            let title = format!("Targets: {}", counts(plan, command, Outcome::Planned));
            self.write_result(&human::heading(words, environment, url));
            self.folded(&title, &human::changes(plan, words, self.verbose, self.width));
            self.write_result(&human::notes(plan, &self.file, self.width));
        }
    }

    /// Shows the numbers of changes that are about to be written.
    pub(crate) fn show_totals(&self, command: &RunCommand, plan: &Plan) {
        if self.format == Format::Human {
            self.write_result(&human::totals(command, plan, self.prose));
        }
    }

    /// Asks whether to write to this environment. The answer is read elsewhere.
    pub(crate) fn ask(&self, command: &RunCommand, environment: &str, url: &EnvironmentUrl) {
        self.clear();
        self.message(&human::question(command, environment, url));
    }

    /// Shows which flows the run waits for and how long, if `news` is given. On a terminal, also
    /// shows the time until the next check.
    fn awaiting(&self, flows: &[String], pause: Duration, news: Option<Duration>) {
        if let Some(left) = news {
            self.line(&wording::awaiting(flows, left));
        }
        if self.live {
            progress::show_countdown("Waiting for the next check", pause);
        }
    }

    /// Shows how many flows and targets are read.
    fn reading(&self, flows: usize, targets: usize) {
        if let Ok(mut read) = self.read.lock() {
            *read = (0, flows);
        }
        if self.live && flows > 0 {
            progress::show_bar(flows);
        } else {
            self.step(&wording::reading(flows, targets));
        }
    }

    /// Notes that another flow was read.
    fn flow_read(&self, done: usize, total: usize) {
        if let Ok(mut read) = self.read.lock() {
            *read = (done, total);
        }
        progress::advance(done);
    }

    /// Says why and how long the run waits before it sends a request again.
    fn waiting(&self, wait: &ServiceWait) {
        let (why, time) = (wording::why_waiting(wait), wait.time);
        if progress::show_wait(&why, time) {
            return;
        }
        let (done, total) = self.read.lock().map(|read| *read).unwrap_or_default();
        let read =
            if done < total { format!("; {done} of {total} flows read") } else { String::new() };
        self.line(&format!("{why}; next try in {} s{read}", time.as_secs_f32().ceil()));
    }

    /// Shows where and with which code to sign in.
    fn sign_in(&self, page: &str, code: &str, message: Option<&str>) {
        self.clear();
        if let Some(runner) = self.runner {
            let sentence = format!("To sign in, open {page} and enter the code {code}");
            let message = message.filter(|text| text.contains(page) && text.contains(code));
            self.command(&runner.notice(SIGN_IN, message.unwrap_or(&sentence)));
        } else {
            let (page, code) = (escape_hidden(page), escape_hidden(code));
            self.message(&human::sign_in(&self.link(&page), &code));
        }
    }

    /// Formats an address as a link, if the terminal opens links.
    fn link(&self, address: &str) -> String {
        if self.links { link(address) } else { address.to_owned() }
    }

    /// Shows a permanent line.
    pub(crate) fn line(&self, text: &str) {
        self.message(&format!("{}\n", wrap(text, self.prose).join("\n")));
    }
}

impl Console {
    /// Shows an event of an environment, which the manifest calls by this name, and logs it.
    pub(crate) fn show(&self, environment: &str, event: &Event<'_>) {
        event_log::event(environment, event);
        match *event {
            Event::SandboxStarted { address, state, anew } => {
                self.sandbox_started(address, state, anew);
            }
            Event::SignIn { verification_uri, user_code, message, expires_in, approves_itself } => {
                self.sign_in(verification_uri, user_code, message);
                if approves_itself {
                    self.line("The sandbox approves the sign-in automatically.");
                } else if self.live {
                    progress::show_countdown("Waiting for the sign-in", expires_in);
                } else {
                    let minutes = expires_in.as_secs().div_ceil(60);
                    self.line(&format!("The code expires in {}.", counted_minutes(minutes)));
                }
            }
            Event::SignInByBrowser { url, opened, tunnel } => {
                self.clear();
                self.line(if opened {
                    "To sign in, continue in the browser that opens, or open this URL in a browser on this machine:"
                } else {
                    "To sign in, open this URL in a browser on this machine:"
                });
                self.message(&format!("{}\n", self.link(url)));
                if let Some(port) = tunnel {
                    self.line(&format!(
                        "To use the browser of another machine, first forward port {port} from there: ssh -L {port}:127.0.0.1:{port} HOST"
                    ));
                }
                if self.live {
                    progress::show_spinner("Waiting for the sign-in");
                }
            }
            Event::SignInWarning { text } => self.warning(text),
            Event::StillWaiting => self.line(STILL_WAITING),
            Event::SignedIn { user } => {
                self.clear();
                if let Ok(mut known) = self.user.lock() {
                    *known = user.map(str::to_owned);
                }
                let user =
                    user.map_or_else(String::new, |user| format!(" as {}", printable(user, 100)));
                self.line(&format!("Signed in{user}."));
            }
            Event::Discovering { flows, targets } => self.reading(flows, targets),
            Event::FlowRead { done, total } => self.flow_read(done, total),
            Event::FlowApiElsewhere { host } => self.line(&format!(
                "The Flow API of the cloud does not serve this environment. The URLs were read from {host}."
            )),
            Event::AwaitingFlows { flows, pause, left, news } => {
                self.awaiting(flows, pause, news.then_some(left));
            }
            // The wait goes on, and is told.
            Event::LookFailed { .. } => (),
            Event::Writing { writes } => {
                self.step(&format!("Writing {} in one change set", counted(writes, "row")));
            }
            Event::Verifying => self.step("Reading back"),
            Event::PlannedAgain => self.line(
                "Someone else wrote to a target meanwhile. The new plan makes the same changes.",
            ),
            Event::WrittenElsewhere => {
                self.line("Another run wrote the same values first. This run wrote nothing.");
            }
            Event::WrittenThoughRefused { text } => self.line(text),
            Event::Waiting(wait) => self.waiting(&wait),
            Event::Unanswered { service, host, request, time, left, limit } => {
                let (time, end) = (time.as_secs(), wording::giving_up(left, limit));
                self.line(&format!(
                    "Still waiting for {service} at `{host}`: no answer to {request} for {time} s. {end}"
                ));
            }
            Event::Looking { longest } => self.line(&format!(
                "The response to the write was lost. Checking for at most {} s whether it was written …",
                longest.as_secs()
            )),
        }
    }
}

/// Writes what is wrong with the command line to standard error, or the help that was asked for to
/// standard output.
pub(crate) fn write_usage(text: &str, is_mistake: bool) {
    let text = safe_text(text);
    if is_mistake {
        write(&Mutex::new(AutoStream::auto(io::stderr())), &text);
    } else {
        write(&Mutex::new(AutoStream::auto(io::stdout())), &text);
    }
}

/// Writes the failure of a process that could not begin, and returns its exit code.
pub(crate) fn write_failure(failure: &Failure) -> Exit {
    write_usage(&human::failure(failure, DEFAULT_WIDTH), true);
    failure.exit
}

/// Formats a number of minutes in words.
fn counted_minutes(minutes: u64) -> String {
    counted(usize::try_from(minutes).unwrap_or(usize::MAX), "minute")
}

/// The first error in writing the result to standard output. A closed pipe is no error: its reader
/// has read enough.
static LOST: OnceLock<String> = OnceLock::new();

/// Returns why a part of the result was lost, if any part was.
pub(crate) fn lost_result() -> Option<&'static str> {
    LOST.get().map(String::as_str)
}

/// Notes that a part of the result was lost.
fn note_loss(written: io::Result<()>) {
    if let Err(error) = written
        && error.kind() != ErrorKind::BrokenPipe
    {
        LOST.get_or_init(|| error.to_string());
    }
}

/// Writes and flushes. Ignores errors, since a closed stream is no reason to end a run halfway.
fn write(stream: &Mutex<impl Write>, text: &str) {
    let _ = try_write(stream, text);
}

fn try_write(stream: &Mutex<impl Write>, text: &str) -> io::Result<()> {
    let Ok(mut stream) = stream.lock() else { return Ok(()) };
    progress::print_above(|| {
        stream.write_all(text.as_bytes())?;
        stream.flush()
    })
}
