//! The answer to a submission, written straight to its bytes: of its fifty marks each has one of a few values, whose
//! bytes are ready with the form.

use bytes::BufMut;
use prost::{
    Message,
    encoding::{WireType, encode_key, encode_varint},
};

use crate::{pb, scoring::plan::Slot};

use super::{plans::CompiledForm, response::Mark, wire};

/// The number of `marks` in the message `Result`.
const MARKS: u32 = 12;

/// A result of which the marks are bytes already.
#[derive(Debug)]
pub struct Reply {
    head: pb::Result,
    marks: Vec<u8>,
}

impl Reply {
    /// A result without its marks.
    pub fn without_marks(head: pb::Result) -> Self {
        Self { head, marks: Vec::new() }
    }

    /// A result, of which `head` has no marks, with these.
    pub fn new(head: pb::Result, form: &CompiledForm, marks: &[Mark]) -> Self {
        let mut bytes = Vec::with_capacity(marks.len() * 100);
        let texts = form.versions.iter().zip(&form.points);
        for (((shown, slot), (version, max)), mark) in
            form.shown.iter().zip(form.plan.slots()).zip(texts).zip(marks)
        {
            match shown.0.iter().find(|(known, _)| known == mark) {
                Some((_, ready)) => bytes.put_slice(ready),
                None => put(&wire::mark(slot, version, max, mark), &mut bytes),
            }
        }
        Self { head, marks: bytes }
    }

    /// The same as a message.
    pub fn into_result(self) -> pb::Result {
        let marks = pb::Result::decode(self.marks.as_slice()).map(|r| r.marks).unwrap_or_default();
        pb::Result { marks, ..self.head }
    }

    /// Its length in bytes.
    pub fn encoded_len(&self) -> usize {
        self.head.encoded_len() + self.marks.len()
    }

    /// Writes the message.
    pub fn encode(&self, out: &mut impl BufMut) {
        self.head.encode_raw(out);
        out.put_slice(&self.marks);
    }
}

/// Writes a mark as an element of `Result.marks`.
fn put(mark: &pb::Mark, out: &mut Vec<u8>) {
    encode_key(MARKS, WireType::LengthDelimited, out);
    encode_varint(mark.encoded_len() as u64, out);
    mark.encode_raw(out);
}

/// The usual marks of one position, each with its bytes as an element of `Result.marks`.
#[derive(Debug)]
pub struct ShownMarks(Vec<(Mark, Box<[u8]>)>);

impl ShownMarks {
    /// Of one position: the name of its question's version, and its points as text.
    pub fn new(slot: &Slot, version: &str, max: &str) -> Self {
        let shown = slot.usual_marks().into_iter().map(|mark| {
            let mut bytes = Vec::new();
            put(&wire::mark(slot, version, max, &mark), &mut bytes);
            (mark, bytes.into())
        });
        Self(shown.collect())
    }

    /// Roughly how many bytes it takes.
    pub fn weight(&self) -> usize {
        self.0.iter().map(|(mark, bytes)| size_of_val(mark) + bytes.len() + 32).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        attempt::plans,
        bank::content::{Content, Notes, Task},
        points::Points,
        result::show,
    };

    #[test]
    fn bytes_that_are_ready_say_what_the_message_says() {
        let question = |task| Content { stem: "?".into(), task, notes: Notes::default() };
        let form = plans::tests::form(vec![
            question(Task::TrueFalse { key: Some(true), policy: None }),
            question(Task::ShortAnswer { reference: String::new() }),
        ]);
        let third: Points = "0.67".parse().unwrap();
        for first in [
            Mark::NotAnswered,
            Mark::Scored(Points::from(2)),
            Mark::Scored(Points::ZERO),
            Mark::Scored(third),
        ] {
            let marks = [first, Mark::Awaiting];
            let head = pb::Result { name: "n".into(), revision: 1, ..Default::default() };
            let whole = pb::Result { marks: show::marks(&form, &marks), ..head.clone() };
            let reply = Reply::new(head.clone(), &form, &marks);
            let mut bytes = Vec::new();
            reply.encode(&mut bytes);
            assert_eq!(bytes.len(), reply.encoded_len());
            assert_eq!(pb::Result::decode(bytes.as_slice()).unwrap(), whole);
            assert_eq!(reply.into_result(), whole);
            assert_eq!(Reply::without_marks(head.clone()).into_result(), head);
        }
    }
}
