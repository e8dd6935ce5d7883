//! The delivery service as it is served. Submissions, of which there are many a second, have codecs of their own; all
//! else goes to the service that was generated.

use std::{
    convert::Infallible,
    marker::PhantomData,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use futures_util::future::BoxFuture;
use prost::{
    DecodeError, Message,
    encoding::{WireType, encode_key, encode_varint},
};
use tonic::{
    Request, Response, Status, Streaming,
    body::Body,
    codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    server::{Grpc, NamedService, StreamingService, UnaryService},
};
use tower::Service;

use crate::{auth::Caller, codec::crowd, pb, pb::delivery_service_server::DeliveryServiceServer};

use super::{
    plain::Plain,
    reply::Reply,
    rpc::Delivery,
    submission::{Element, ElementStream, Incoming, Patience, Reader},
};

/// See the module.
#[derive(Clone, Debug)]
pub struct DeliveryServer {
    delivery: Arc<Delivery>,
    generated: DeliveryServiceServer<Delivery>,
    largest: usize,
}

impl DeliveryServer {
    /// Serves messages of up to `largest` bytes.
    pub fn new(delivery: Delivery, largest: usize) -> Self {
        let delivery = Arc::new(delivery);
        let generated =
            DeliveryServiceServer::from_arc(Arc::clone(&delivery)).max_decoding_message_size(largest);
        Self { delivery, generated, largest }
    }

    fn grpc<C: Codec>(&self, codec: C) -> Grpc<C> {
        Grpc::new(codec).apply_max_message_size_config(Some(self.largest), None)
    }
}

impl NamedService for DeliveryServer {
    const NAME: &'static str = <DeliveryServiceServer<Delivery> as NamedService>::NAME;
}

impl Service<http::Request<Body>> for DeliveryServer {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Service::<http::Request<Body>>::poll_ready(&mut self.generated, cx)
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let call = Submissions(Arc::clone(&self.delivery));
        match request.uri().path() {
            "/assessment.v1.DeliveryService/ScoreSubmission" => {
                let mut grpc = self.grpc(Straight::<One>::default());
                Box::pin(async move { Ok(grpc.unary(call, request).await) })
            }
            "/assessment.v1.DeliveryService/BatchScoreSubmissions" => {
                let mut grpc = self.grpc(Straight::<Many>::default());
                Box::pin(async move { Ok(grpc.streaming(call, request).await) })
            }
            _ => self.generated.call(request),
        }
    }
}

struct Submissions(Arc<Delivery>);

impl UnaryService<Incoming> for Submissions {
    type Response = Reply;
    type Future = BoxFuture<'static, Result<Response<Reply>, Status>>;

    fn call(&mut self, request: Request<Incoming>) -> Self::Future {
        let delivery = Arc::clone(&self.0);
        Box::pin(async move {
            let caller = Caller::of(&request)?;
            let reader = Reader::of(&caller);
            Ok(Response::new(delivery.score(&caller, reader, request.into_inner(), Patience::Refuse).await?))
        })
    }
}

impl StreamingService<Incoming> for Submissions {
    type Response = Element;
    type ResponseStream = ElementStream;
    type Future = BoxFuture<'static, Result<Response<ElementStream>, Status>>;

    fn call(&mut self, request: Request<Streaming<Incoming>>) -> Self::Future {
        let delivery = Arc::clone(&self.0);
        Box::pin(async move {
            let caller = Caller::of(&request)?;
            Ok(Response::new(delivery.score_stream(caller, request.into_inner())))
        })
    }
}

/// How submissions come in and how they are answered.
trait Shape: Default + Send + 'static {
    type Answer: Send + 'static;

    fn read(bytes: Bytes) -> Result<Incoming, DecodeError>;
    fn write(answer: Self::Answer, out: &mut EncodeBuf<'_>);
}

/// The codec of a shape.
#[derive(Clone, Copy, Debug, Default)]
struct Straight<S>(PhantomData<S>);

impl<S: Shape> Codec for Straight<S> {
    type Encode = S::Answer;
    type Decode = Incoming;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self::default()
    }

    fn decoder(&mut self) -> Self {
        Self::default()
    }
}

impl<S: Shape> Encoder for Straight<S> {
    type Item = S::Answer;
    type Error = Status;

    fn encode(&mut self, answer: S::Answer, out: &mut EncodeBuf<'_>) -> Result<(), Status> {
        S::write(answer, out);
        Ok(())
    }
}

impl<S: Shape> Decoder for Straight<S> {
    type Item = Incoming;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Incoming>, Status> {
        let bytes = buffer.copy_to_bytes(buffer.remaining());
        // As the generated codec says it; the edge says it better.
        S::read(bytes).map(Some).map_err(|error| Status::internal(error.to_string()))
    }
}

/// One submission a call.
#[derive(Clone, Copy, Debug, Default)]
struct One;

impl Shape for One {
    type Answer = Reply;

    fn read(bytes: Bytes) -> Result<Incoming, DecodeError> {
        Ok(match Plain::parse(&bytes) {
            Some(plain) => Incoming::Plain(plain, bytes),
            None => match crowd::<pb::ScoreSubmissionRequest>(&bytes) {
                Some(count) => Incoming::Crowded(count),
                None => Incoming::General(pb::ScoreSubmissionRequest::decode(bytes)?),
            },
        })
    }

    fn write(reply: Reply, out: &mut EncodeBuf<'_>) {
        out.reserve(reply.encoded_len());
        reply.encode(out);
    }
}

/// A stream of them.
#[derive(Clone, Copy, Debug, Default)]
struct Many;

impl Shape for Many {
    type Answer = Element;

    fn read(bytes: Bytes) -> Result<Incoming, DecodeError> {
        Ok(match Plain::parse_element(&bytes) {
            Some((plain, at)) => Incoming::Plain(plain, bytes.slice(at)),
            None => match crowd::<pb::BatchScoreSubmissionsRequest>(&bytes) {
                Some(count) => Incoming::Crowded(count),
                None => {
                    let element = pb::BatchScoreSubmissionsRequest::decode(bytes)?;
                    Incoming::General(element.submission.unwrap_or_default())
                }
            },
        })
    }

    fn write(element: Element, out: &mut EncodeBuf<'_>) {
        let (answer, reply) = element.parted();
        out.reserve(answer.encoded_len());
        answer.encode_raw(out);
        if let Some(reply) = reply {
            // result = 3
            let length = reply.encoded_len();
            out.reserve(8 + length);
            encode_key(3, WireType::LengthDelimited, out);
            encode_varint(length as u64, out);
            reply.encode(out);
        }
    }
}
