//! How messages are read: counted before they are taken apart.
//!
//! An empty response is two bytes of a message, and a hundred times that once it is a struct in a vector. A call may bring
//! 20 MB (texts are long), which as nothing but such entries would take gigabytes before anybody could refuse it. So the
//! entries of a large message are counted in its bytes first, by the shapes that the descriptors tell.

use std::{
    collections::{HashMap, HashSet},
    marker::PhantomData,
    sync::LazyLock,
};

use bytes::Buf;
use prost::{
    Message, Name,
    encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field},
};
use prost_types::{
    DescriptorProto, FileDescriptorSet,
    field_descriptor_proto::{Label, Type},
};
use tonic::{
    Status,
    codec::{Codec, DecodeBuf, Decoder},
};
use tonic_prost::ProstCodec;

use crate::{error::Error, pb};

/// Entries beyond which a request is not read: messages within it, and elements of its lists. The longest list that the
/// protocol takes has a thousand.
pub const MOST: usize = 100_000;
/// As deep as messages may nest; the reader of messages has the same bound.
const DEPTH: u32 = 100;

/// The codec of every service: prost's, but for requests that are all entries.
#[derive(Debug)]
pub struct Counted<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for Counted<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for Counted<T, U>
where
    T: Message + Send + 'static,
    U: Message + Name + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = <ProstCodec<T, U> as Codec>::Encoder;
    type Decoder = Counting<<ProstCodec<T, U> as Codec>::Decoder>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::default().encoder()
    }

    fn decoder(&mut self) -> Self::Decoder {
        Counting(ProstCodec::<T, U>::default().decoder())
    }
}

/// See [`Counted`].
#[derive(Debug)]
pub struct Counting<D>(D);

impl<D> Decoder for Counting<D>
where
    D: Decoder<Error = Status>,
    D::Item: Name,
{
    type Item = D::Item;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<D::Item>, Status> {
        // The whole message lies in one piece.
        if let Some(count) = crowd::<D::Item>(buffer.chunk()) {
            return Err(Error::invalid(
                "",
                format!("the message has {count} entries or more, too many for one call"),
            )
            .into());
        }
        self.0.decode(buffer)
    }
}

/// How many entries these bytes of a request have, where they are too many; counted no further than that.
pub fn crowd<M: Name>(bytes: &[u8]) -> Option<usize> {
    // An entry takes two bytes or more.
    if bytes.len() / 2 <= MOST {
        return None;
    }
    let name = M::full_name();
    let shapes = &*SHAPES;
    let shape = *shapes.by_name.get(&name).filter(|_| shapes.requests.contains(&name))?;
    let mut count = 0;
    shapes.count(shape, bytes, 0, &mut count);
    (count > MOST).then_some(count)
}

static SHAPES: LazyLock<Shapes> = LazyLock::new(Shapes::of_all);

/// What may stand in the messages of the protocol.
struct Shapes {
    by_name: HashMap<String, usize>,
    /// What methods take. Only that is counted: what the service itself has answered may be as long as it likes.
    requests: HashSet<String>,
    fields: Vec<HashMap<u32, Field>>,
}

/// A field that makes entries.
#[derive(Clone, Copy)]
struct Field {
    /// The shape of the message that it holds.
    message: Option<usize>,
}

impl Shapes {
    fn of_all() -> Self {
        let files = FileDescriptorSet::decode(pb::DESCRIPTORS).unwrap_or_default().file;
        let mut messages = Vec::new();
        for file in &files {
            for message in &file.message_type {
                collect(file.package(), message, &mut messages);
            }
        }
        let by_name: HashMap<String, usize> =
            messages.iter().enumerate().map(|(at, (name, _))| (name.clone(), at)).collect();
        let fields = messages.iter().map(|(_, message)| {
            let making = message.field.iter().filter_map(|field| {
                let inner = by_name.get(field.type_name().trim_start_matches('.')).copied();
                let message = inner.filter(|_| field.r#type() == Type::Message);
                let makes = message.is_some() || field.label() == Label::Repeated;
                makes.then_some((field.number() as u32, Field { message }))
            });
            making.collect()
        });
        let methods = files.iter().flat_map(|f| &f.service).flat_map(|s| &s.method);
        Self {
            fields: fields.collect(),
            requests: methods.map(|m| m.input_type().trim_start_matches('.').to_owned()).collect(),
            by_name,
        }
    }

    /// Adds what is in the bytes of a message of that shape, as far as they can be read: what is wrong with them the
    /// reader of messages says.
    fn count(&self, shape: usize, mut bytes: &[u8], depth: u32, count: &mut usize) {
        while !bytes.is_empty() && *count <= MOST && depth < DEPTH {
            let Ok((number, wire_type)) = decode_key(&mut bytes) else { return };
            let field = self.fields[shape].get(&number);
            *count += usize::from(field.is_some());
            if wire_type != WireType::LengthDelimited {
                if skip_field(wire_type, number, &mut bytes, DecodeContext::default()).is_err() {
                    return;
                }
                continue;
            }
            let Some((piece, rest)) = decode_varint(&mut bytes)
                .ok()
                .and_then(|length| bytes.split_at_checked(usize::try_from(length).ok()?))
            else {
                return;
            };
            if let Some(inner) = field.and_then(|field| field.message) {
                self.count(inner, piece, depth + 1, count);
            }
            bytes = rest;
        }
    }
}

/// A message and those declared within it, with their full names.
fn collect<'a>(within: &str, message: &'a DescriptorProto, into: &mut Vec<(String, &'a DescriptorProto)>) {
    let name = format!("{within}.{}", message.name());
    for nested in &message.nested_type {
        collect(&name, nested, into);
    }
    into.push((name, message));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn responses(count: usize) -> pb::SaveResponsesRequest {
        pb::SaveResponsesRequest { responses: vec![pb::Response::default(); count], ..Default::default() }
    }

    #[test]
    fn entries_are_counted_at_every_depth() {
        assert_eq!(crowd::<pb::SaveResponsesRequest>(&responses(MOST).encode_to_vec()), None);
        assert!(crowd::<pb::SaveResponsesRequest>(&responses(MOST + 1).encode_to_vec()).is_some());
        let one = pb::Response { position: 1, choices: vec![String::new(); MOST], ..Default::default() };
        let deep = pb::SaveResponsesRequest { responses: vec![one], ..Default::default() };
        assert!(crowd::<pb::SaveResponsesRequest>(&deep.encode_to_vec()).is_some());
    }

    #[test]
    fn long_texts_and_garbage_are_no_crowd() {
        let text = "a\u{3}".repeat(MOST * 4);
        let essay = pb::Response { position: 1, text: text.clone(), ..Default::default() };
        let request = pb::SaveResponsesRequest { responses: vec![essay], ..Default::default() };
        assert_eq!(crowd::<pb::SaveResponsesRequest>(&request.encode_to_vec()), None);
        assert_eq!(crowd::<pb::SaveResponsesRequest>(&vec![0xff; MOST * 4]), None);
        // Field 2 by varints that never end well, and groups.
        assert_eq!(crowd::<pb::SaveResponsesRequest>(&vec![0x13; MOST * 4]), None);
    }

    #[test]
    fn what_the_service_answers_is_not_counted() {
        let results =
            pb::ListResultsResponse { results: vec![pb::Result::default(); MOST + 1], ..Default::default() };
        assert_eq!(crowd::<pb::ListResultsResponse>(&results.encode_to_vec()), None);
    }

    #[test]
    fn every_method_takes_a_message_of_a_known_shape() {
        assert!(SHAPES.requests.len() > 50, "{}", SHAPES.requests.len());
        for request in &SHAPES.requests {
            assert!(SHAPES.by_name.contains_key(request), "{request}");
        }
        assert!(SHAPES.requests.contains(&pb::SaveResponsesRequest::full_name()));
    }
}
