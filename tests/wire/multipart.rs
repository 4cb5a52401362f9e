//! The parts of a multipart message, read leniently.

use crate::exchange::Message;

/// The parts of a message; the message inside stands for a part of type `application/http`.
pub(crate) fn parts(message: &Message) -> Vec<Message> {
    let boundary = message.header("content-type").and_then(|value| value.split_once("boundary="));
    let boundary = boundary.map_or("", |(_, boundary)| boundary.trim_matches('"'));
    let body = format!("\n{}", message.body);
    let delimiter = format!("\n--{boundary}");
    let sections = body.split(&delimiter).skip(1).map(str::to_owned);
    let inside = sections.take_while(|section| !section.starts_with("--"));
    inside.map(|section| part(section.trim_start_matches('\n'))).collect()
}

fn part(text: &str) -> Message {
    let outer = Message::parse(&format!("part\n{text}"));
    if outer.is_multipart() {
        return outer;
    }
    let mut inner = Message::parse(outer.body.trim_start());
    let id = outer.headers.into_iter().filter(|(name, _)| name.eq_ignore_ascii_case("content-id"));
    inner.headers.extend(id);
    inner
}
