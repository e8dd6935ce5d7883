//! Plain submissions, read straight from their bytes. Nearly all submissions answer by position, with options and
//! verdicts; taking them apart into a message of hundreds of strings, and those apart again, costs more than all that is
//! done with them. [`Plain::parse`] knows just that shape and says `None` to whatever else there is, which then goes the
//! general way: what is accepted, what it means and how errors read is decided there alone.

use std::ops::Range;

use prost::encoding::{WireType, decode_key, decode_varint};

use crate::{bank::content::OptionSet, scoring::score::Key};

use super::{plans::CompiledForm, response::Response};

/// Responses beyond which a submission is not plain: more than any form has positions.
const CROWD: usize = 20_000;

/// The bit of a pick that says true, and the one that says false; the bits below are the letters A to Z.
const TRUE: u32 = 1 << 30;
const FALSE: u32 = 1 << 31;

/// A `ScoreSubmissionRequest` whose responses have nothing but a position and options or a verdict.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the fields of the message")]
pub struct Plain {
    pub parent: String,
    pub candidate: String,
    pub form: String,
    pub request_id: String,
    pub view: i32,
    /// Positions, and what was picked there.
    picks: Vec<(i32, u32)>,
}

impl Plain {
    /// The submission in these bytes, where it is plain.
    pub fn parse(mut bytes: &[u8]) -> Option<Self> {
        let mut plain = Self::default();
        while !bytes.is_empty() {
            match decode_key(&mut bytes).ok()? {
                (1, WireType::LengthDelimited) => plain.parent = text(&mut bytes)?,
                (2, WireType::LengthDelimited) => plain.candidate = text(&mut bytes)?,
                (3, WireType::LengthDelimited) => plain.form = text(&mut bytes)?,
                (4, WireType::LengthDelimited) => {
                    if plain.picks.capacity() == 0 {
                        // The rest holds responses of seven bytes or more, and little else.
                        plain.picks.reserve((1 + bytes.len() / 8).min(CROWD));
                    }
                    if plain.picks.len() >= CROWD {
                        return None;
                    }
                    plain.picks.push(pick(piece(&mut bytes)?)?);
                }
                (5, WireType::LengthDelimited) => plain.request_id = text(&mut bytes)?,
                (6, WireType::Varint) => plain.view = decode_varint(&mut bytes).ok()? as i32,
                _ => return None,
            }
        }
        Some(plain)
    }

    /// The same in a `BatchScoreSubmissionsRequest`, with its place there.
    pub fn parse_element(bytes: &[u8]) -> Option<(Self, Range<usize>)> {
        let at = element(bytes)?;
        Self::parse(&bytes[at.clone()]).map(|plain| (plain, at))
    }

    /// The responses by position; `None` where one of them does not fit, for the general way to say which and why.
    pub fn responses(&self, form: &CompiledForm) -> Option<Vec<Response>> {
        let slots = form.plan.slots();
        let mut responses = vec![Response::Blank; slots.len()];
        let mut seen = vec![false; slots.len()];
        for (position, picked) in &self.picks {
            let index = usize::try_from(*position).ok()?.checked_sub(1)?;
            if std::mem::replace(seen.get_mut(index)?, true) {
                return None;
            }
            responses[index] = match (&slots[index].key, *picked) {
                (_, 0) => Response::Blank,
                (Key::Truth(_), TRUE) => Response::Truth(true),
                (Key::Truth(_), FALSE) => Response::Truth(false),
                (Key::Choice { .. }, letters) if letters & !form.letters[index] == 0 => {
                    Response::Choice(OptionSet::from_bits(letters))
                }
                _ => return None,
            };
        }
        Some(responses)
    }
}

/// Where the submission is in a `BatchScoreSubmissionsRequest` that has nothing else.
fn element(bytes: &[u8]) -> Option<Range<usize>> {
    let mut rest = bytes;
    let submission = match decode_key(&mut rest).ok()? {
        (1, WireType::LengthDelimited) => piece(&mut rest)?,
        _ => return None,
    };
    rest.is_empty().then(|| bytes.len() - submission.len()..bytes.len())
}

/// The bytes of a length-delimited field.
fn piece<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(decode_varint(bytes).ok()?).ok()?;
    let (piece, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(piece)
}

fn text(bytes: &mut &[u8]) -> Option<String> {
    std::str::from_utf8(piece(bytes)?).ok().map(str::to_owned)
}

/// A response with its position and what was picked.
fn pick(mut bytes: &[u8]) -> Option<(i32, u32)> {
    let (mut position, mut letters, mut verdict) = (0, 0, 0);
    while let Some((&tag, rest)) = bytes.split_first() {
        bytes = rest;
        match tag {
            // position, a varint
            0x08 => position = decode_varint(&mut bytes).ok()? as i32,
            // choices, a text of one letter
            0x22 => match bytes {
                [1, letter @ b'A'..=b'Z', rest @ ..] => {
                    letters |= 1 << (letter - b'A');
                    bytes = rest;
                }
                _ => return None,
            },
            // truth, a varint
            0x28 => verdict = if decode_varint(&mut bytes).ok()? != 0 { TRUE } else { FALSE },
            _ => return None,
        }
    }
    (letters == 0 || verdict == 0).then_some((position, letters | verdict))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message;

    use super::*;
    use crate::{
        attempt::{plans, wire},
        bank::content::{Choice, ChoiceKind, ChoiceOption, Content, Notes, Task},
        door::Fields,
        pb,
    };

    fn question(task: Task) -> Content {
        Content { stem: "?".into(), task, notes: Notes::default() }
    }

    fn choice(labels: &str) -> Content {
        question(Task::Choice(Choice {
            kind: ChoiceKind::Multiple,
            options: labels.chars().map(|label| ChoiceOption { label, text: label.into() }).collect(),
            key: OptionSet::from_bits(0b11),
            policy: None,
        }))
    }

    /// Options A to D, a verdict, options that do not stand in the order of the alphabet, a text.
    fn form() -> CompiledForm {
        plans::tests::form(vec![
            choice("ABCD"),
            question(Task::TrueFalse { key: Some(true), policy: None }),
            choice("BACD"),
            question(Task::ShortAnswer { reference: String::new() }),
        ])
    }

    /// What the general way makes of a submission, if it finds nothing wrong with it.
    fn general(form: &CompiledForm, request: &pb::ScoreSubmissionRequest) -> Option<Vec<Response>> {
        let mut fields = Fields::default();
        let mut responses = vec![Response::Blank; form.plan.slots().len()];
        for (index, response) in wire::responses(form, &request.responses, &mut fields) {
            responses[index] = response;
        }
        fields.done().ok().map(|()| responses)
    }

    fn any_response() -> impl Strategy<Value = pb::Response> {
        let choices = proptest::collection::vec("[A-E]|a|AB|选", 0..3);
        let rare = prop_oneof![20 => Just(0), 1 => 1..4];
        (-1..6i32, choices, proptest::option::weighted(0.3, any::<bool>()), rare).prop_map(
            |(position, choices, truth, rare)| pb::Response {
                position,
                choices,
                truth,
                part: i32::from(rare == 1),
                text: if rare == 2 { "x".to_owned() } else { String::new() },
                question: if rare == 3 { "banks/b/questions/q".to_owned() } else { String::new() },
                ..Default::default()
            },
        )
    }

    proptest! {
        /// Whatever is read here reads the same on the general way, and a plain good submission is read here.
        #[test]
        fn both_ways_agree(
            responses in proptest::collection::vec(any_response(), 0..6),
            candidate in ".{0,5}", form_name in "[a-z]{0,5}", view in -1..4i32,
        ) {
            let form = form();
            let request = pb::ScoreSubmissionRequest {
                parent: "exams/x".into(), candidate, form: form_name, responses, request_id: "r".into(), view,
            };
            if let Some(plain) = Plain::parse(&request.encode_to_vec()) {
                let same = (&plain.parent, &plain.candidate, &plain.form, &plain.request_id, plain.view);
                prop_assert_eq!(
                    same,
                    (&request.parent, &request.candidate, &request.form, &request.request_id, request.view)
                );
                if let Some(read) = plain.responses(&form) {
                    prop_assert_eq!(Some(read), general(&form, &request));
                }
            }
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            if let Some(plain) = Plain::parse(&bytes) {
                let request = pb::ScoreSubmissionRequest::decode(bytes.as_slice()).unwrap();
                prop_assert_eq!(&plain.candidate, &request.candidate);
                if let Some(read) = plain.responses(&form()) {
                    prop_assert_eq!(Some(read), general(&form(), &request));
                }
            }
        }
    }

    #[test]
    fn the_usual_is_plain() {
        let response = |position, letters: &str, truth| pb::Response {
            position,
            choices: letters.chars().map(String::from).collect(),
            truth,
            ..Default::default()
        };
        let mut request = pb::ScoreSubmissionRequest {
            parent: "exams/x".into(),
            candidate: "张三".into(),
            responses: vec![response(2, "", Some(false)), response(1, "DA", None)],
            request_id: "r".into(),
            ..Default::default()
        };
        let read = |request: &pb::ScoreSubmissionRequest| {
            Plain::parse(&request.encode_to_vec()).and_then(|plain| plain.responses(&form()))
        };
        let four = OptionSet::from_bits(0b1001);
        assert_eq!(
            read(&request).unwrap(),
            [Response::Choice(four), Response::Truth(false), Response::Blank, Response::Blank]
        );
        // Labels out of order, a position twice, an option that is not there: the general way reads or refuses them.
        for other in [response(3, "B", None), response(1, "A", None), response(1, "E", None)] {
            request.responses.push(other);
            assert_eq!(read(&request), None);
            request.responses.pop();
        }
        request.responses[0].text = "x".into();
        assert_eq!(Plain::parse(&request.encode_to_vec()), None);
    }
}
