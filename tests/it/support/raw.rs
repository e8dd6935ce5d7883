//! Calls with raw bytes: any method by its name, and messages that are none.

use std::sync::LazyLock;

use plain::{Bytes, RawCodec};
use tonic::{Request, Status, codegen::http::uri::PathAndQuery};

use assessd::pb;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, Value};

use super::{protocol::package, world::As};

/// A codec that passes bytes as they are.
pub mod plain {
    use prost::bytes::{Buf, BufMut};
    use tonic::{
        Status,
        codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    };

    pub use prost::bytes::Bytes;

    #[derive(Clone, Copy, Default)]
    pub struct RawCodec;

    impl Codec for RawCodec {
        type Encode = Bytes;
        type Decode = Bytes;
        type Encoder = Self;
        type Decoder = Self;

        fn encoder(&mut self) -> Self {
            Self
        }

        fn decoder(&mut self) -> Self {
            Self
        }
    }

    impl Encoder for RawCodec {
        type Item = Bytes;
        type Error = Status;

        fn encode(&mut self, item: Bytes, into: &mut EncodeBuf<'_>) -> Result<(), Status> {
            into.put(item);
            Ok(())
        }
    }

    impl Decoder for RawCodec {
        type Item = Bytes;
        type Error = Status;

        fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
            Ok(Some(from.copy_to_bytes(from.remaining())))
        }
    }
}

/// Calls `Service/Method` with these bytes as its one message; the first message of the answer.
pub async fn call(a: &As, method: &str, message: &[u8]) -> Result<Bytes, Status> {
    let mut grpc = tonic::client::Grpc::new(a.wire()).max_decoding_message_size(64 << 20);
    grpc.ready().await.map_err(|e| Status::unknown(e.to_string()))?;
    let path: PathAndQuery = format!("/{}.{method}", package(method)).parse().unwrap();
    let request = Request::new(Bytes::copy_from_slice(message));
    let mut answers = grpc.server_streaming(request, path, RawCodec).await?.into_inner();
    Ok(answers.message().await?.unwrap_or_default())
}

/// One for all: messages of different pools are never equal.
static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| DescriptorPool::decode(pb::DESCRIPTORS).unwrap());

/// Calls `Service/Method` with a request that says these texts and flags; the answer.
pub async fn say(a: &As, method: &str, fields: &[(&str, Value)]) -> Result<DynamicMessage, Status> {
    let (service, name) = method.split_once('/').unwrap();
    let service = POOL.get_service_by_name(&format!("{}.{service}", package(method))).unwrap();
    let found = service.methods().find(|m| m.name() == name).unwrap();
    let mut request = DynamicMessage::new(found.input());
    for (field, value) in fields {
        request.set_field_by_name(field, value.clone());
    }
    let answer = call(a, method, &request.encode_to_vec()).await?;
    Ok(DynamicMessage::decode(found.output(), answer).unwrap())
}
