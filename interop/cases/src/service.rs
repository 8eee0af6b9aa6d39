//! The service itself: answers of the size that was asked for, statuses that were asked for. What it is asked for it
//! bounds, as any server has to.

use std::pin::Pin;
use std::time::Duration;

use async_stream::try_stream;
use tokio_stream::{Stream, StreamExt};
use tonic::{Code, Request, Response, Status, Streaming};

use crate::gzip::Gzip;
use crate::proto::{
    BoolValue, EchoStatus, Empty, Payload, PayloadType, ResponseParameters, SimpleRequest,
    SimpleResponse, StreamingInputCallRequest, StreamingInputCallResponse,
    StreamingOutputCallRequest, StreamingOutputCallResponse, test_service_server,
};

/// What clients accept by default.
const RESPONSE_BYTES_MAX: usize = 4 << 20;
/// Who says that it answered, to whoever wants to know.
const SERVER_ID: &str = "robot-interop-cases";

type Responses = Pin<Box<dyn Stream<Item = Result<StreamingOutputCallResponse, Status>> + Send>>;

/// The implementation of `grpc.testing.TestService`. It keeps nothing.
#[derive(Debug)]
pub(crate) struct TestService;

#[tonic::async_trait]
impl test_service_server::TestService for TestService {
    type StreamingOutputCallStream = Responses;
    type FullDuplexCallStream = Responses;

    async fn empty_call(&self, _request: Request<Empty>) -> Result<Response<Empty>, Status> {
        Ok(Response::new(Empty {}))
    }

    async fn unary_call(
        &self,
        request: Request<SimpleRequest>,
    ) -> Result<Response<SimpleResponse>, Status> {
        let gzip = gzip_of(&request);
        let SimpleRequest {
            response_type,
            response_size,
            payload: _,
            response_compressed,
            response_status,
            expect_compressed,
            fill_server_id,
        } = request.into_inner();
        expect(expect_compressed, gzip.received())?;
        end_with(response_status)?;
        gzip.send(is_true(response_compressed));
        let server_id = match fill_server_id {
            true => SERVER_ID.to_owned(),
            false => String::new(),
        };
        Ok(Response::new(SimpleResponse {
            payload: Some(payload(response_type, response_size)?),
            server_id,
        }))
    }

    async fn streaming_output_call(
        &self,
        request: Request<StreamingOutputCallRequest>,
    ) -> Result<Response<Responses>, Status> {
        let gzip = gzip_of(&request);
        let one = tokio_stream::once(Ok(request.into_inner()));
        Ok(Response::new(responses(one, gzip)))
    }

    async fn streaming_input_call(
        &self,
        request: Request<Streaming<StreamingInputCallRequest>>,
    ) -> Result<Response<StreamingInputCallResponse>, Status> {
        let gzip = gzip_of(&request);
        let mut requests = request.into_inner();
        let mut sum = 0_usize;
        while let Some(request) = requests.message().await? {
            let StreamingInputCallRequest {
                payload,
                expect_compressed,
            } = request;
            expect(expect_compressed, gzip.received())?;
            sum += payload.map_or(0, |payload| payload.body.len());
        }
        let aggregated_payload_size = i32::try_from(sum).map_err(|_larger| {
            Status::out_of_range(format!("the sum is {sum}; it may be at most {}", i32::MAX))
        })?;
        Ok(Response::new(StreamingInputCallResponse {
            aggregated_payload_size,
        }))
    }

    async fn full_duplex_call(
        &self,
        request: Request<Streaming<StreamingOutputCallRequest>>,
    ) -> Result<Response<Responses>, Status> {
        let gzip = gzip_of(&request);
        Ok(Response::new(responses(request.into_inner(), gzip)))
    }
}

/// What the requests ask for, in order; each is answered before the next is read.
fn responses<S>(mut requests: S, gzip: Gzip) -> Responses
where
    S: Stream<Item = Result<StreamingOutputCallRequest, Status>> + Send + Unpin + 'static,
{
    Box::pin(try_stream! {
        while let Some(request) = requests.next().await {
            let StreamingOutputCallRequest {
                response_type,
                response_parameters,
                payload: _,
                response_status,
            } = request?;
            let _either_way = gzip.received();
            end_with(response_status)?;
            for parameters in response_parameters {
                let ResponseParameters { size, interval_us, compressed } = parameters;
                let payload = payload(response_type, size)?;
                tokio::time::sleep(interval(interval_us)?).await;
                gzip.send(is_true(compressed));
                yield StreamingOutputCallResponse { payload: Some(payload) };
            }
        }
    })
}

/// How the call's messages are compressed.
fn gzip_of<T>(request: &Request<T>) -> Gzip {
    let gzip = request.extensions().get().cloned();
    gzip.expect("the edge gives it to every call")
}

fn is_true(value: Option<BoolValue>) -> bool {
    value.is_some_and(|BoolValue { value }| value)
}

/// Refuses a message that did not come as it says.
fn expect(expected: Option<BoolValue>, compressed: bool) -> Result<(), Status> {
    match expected {
        Some(BoolValue { value }) if value != compressed => Err(Status::invalid_argument(format!(
            "expect_compressed is {value}, but whether the message is compressed is {compressed}"
        ))),
        _ => Ok(()),
    }
}

/// Ends the call if it shall end so.
fn end_with(status: Option<EchoStatus>) -> Result<(), Status> {
    match status {
        Some(EchoStatus { code, message }) if code != 0 => {
            Err(Status::new(Code::from_i32(code), message))
        }
        _ => Ok(()),
    }
}

fn payload(of_type: i32, bytes: i32) -> Result<Payload, Status> {
    if of_type != PayloadType::Compressable as i32 {
        return Err(Status::invalid_argument(format!(
            "response_type is {of_type}; the only one is COMPRESSABLE, 0"
        )));
    }
    match usize::try_from(bytes) {
        Ok(bytes @ 0..=RESPONSE_BYTES_MAX) => Ok(Payload {
            r#type: of_type,
            body: vec![0; bytes],
        }),
        _ => Err(Status::invalid_argument(format!(
            "the size of a response is {bytes}; it must be 0 to {RESPONSE_BYTES_MAX}"
        ))),
    }
}

fn interval(us: i32) -> Result<Duration, Status> {
    let us = u64::try_from(us).map_err(|_negative| {
        Status::invalid_argument(format!("interval_us is {us}; it must be 0 or more"))
    })?;
    Ok(Duration::from_micros(us))
}
