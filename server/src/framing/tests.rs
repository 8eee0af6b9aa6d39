//! Messages out of bodies that are cut anywhere, broken anywhere, or end anywhere.

use std::future::poll_fn;

use http::HeaderMap;
use http_body::Frame;
use proptest::prelude::*;

use super::*;

const BYTES_MAX: usize = 300;

/// A body of these frames.
struct Frames(std::vec::IntoIter<Result<Frame<Bytes>, &'static str>>);

impl Body for Frames {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        Poll::Ready(self.0.next())
    }
}

fn framed(messages: &[Vec<u8>]) -> Vec<u8> {
    let framed = messages.iter().flat_map(|message| {
        let mut framed = vec![0xff; PREFIX_BYTES];
        framed.extend(message);
        put_prefix(&mut framed);
        framed
    });
    framed.collect()
}

/// All messages, and how it ended.
fn read(frames: Vec<Result<Frame<Bytes>, &'static str>>) -> (Vec<Vec<u8>>, Result<(), End>) {
    let mut requests = RequestMessages::new(Frames(frames.into_iter()), BYTES_MAX);
    let mut found = Vec::new();
    let mut next = async || {
        poll_fn(|cx| {
            requests.poll_message(cx).map(|message| {
                message
                    .transpose()
                    .map(|message| message.map(|m| m.to_vec()))
            })
        })
        .await
    };
    let end = block_on(async {
        loop {
            match next().await {
                Ok(Some(message)) => found.push(message),
                Ok(None) => break Ok(()),
                Err(end) => break Err(end),
            }
        }
    });
    (found, end)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime can be built").block_on(future)
}

fn data(bytes: &[u8]) -> Result<Frame<Bytes>, &'static str> {
    Ok(Frame::data(Bytes::copy_from_slice(bytes)))
}

proptest! {
    #[test]
    fn finds_the_same_messages_however_the_body_is_cut(
        messages in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..=BYTES_MAX), 0..6),
        cuts in proptest::collection::vec(1_usize..400, 1..50),
        trailers in any::<bool>(),
    ) {
        let all = framed(&messages);
        let mut rest = &all[..];
        let mut frames = Vec::new();
        for &cut in cuts.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, after) = rest.split_at(cut.min(rest.len()));
            frames.push(data(piece));
            rest = after;
        }
        if trailers {
            frames.push(Ok(Frame::trailers(HeaderMap::new())));
        }
        prop_assert_eq!(read(frames), (messages, Ok(())));
    }

    #[test]
    fn a_body_that_ends_in_a_message_is_broken_after_those_before_it(
        message in proptest::collection::vec(any::<u8>(), 0..100),
        kept in any::<prop::sample::Index>(),
    ) {
        let whole = framed(&[vec![1, 2, 3], message]);
        let kept = 9 + kept.index(whole.len() - 9);
        let (found, end) = read(vec![data(&whole[..8]), data(&whole[8..kept])]);
        prop_assert_eq!(found, [[1, 2, 3]]);
        prop_assert!(matches!(end, Err(End::BrokenFraming(_))));
    }
}

#[test]
fn a_message_may_be_as_long_as_the_limit_and_no_longer() {
    let largest = vec![7; BYTES_MAX];
    assert_eq!(
        read(vec![data(&framed(std::slice::from_ref(&largest)))]).0,
        [largest]
    );
    let too_large = Err(End::MessageTooLarge {
        found: BYTES_MAX + 1,
        max: BYTES_MAX,
    });
    let bytes = framed(&[vec![1], vec![7; BYTES_MAX + 1]]);
    // Its length is enough, even without its bytes; also when the prefix itself is cut.
    for frames in [
        vec![data(&bytes)],
        vec![data(&bytes[..11])],
        vec![data(&bytes[..8]), data(&bytes[8..11])],
    ] {
        assert_eq!(read(frames), (vec![vec![1]], too_large.clone()));
    }
}

#[test]
fn flags_are_0_and_nothing_else() {
    for flag in [1, 2, 0x7f, 0xff] {
        let bytes = [flag, 0, 0, 0, 1, 9];
        let (found, end) = read(vec![data(&framed(&[vec![1]])), data(&bytes)]);
        assert_eq!(found, [[1]]);
        assert!(matches!(end, Err(End::BrokenFraming(_))), "{flag}");
    }
}

#[test]
fn a_reset_is_no_end() {
    let bytes = framed(&[vec![1], vec![2]]);
    for kept in [0, 3, 6, 9, bytes.len()] {
        let (found, end) = read(vec![data(&bytes[..kept]), Err("reset")]);
        assert_eq!(found.len(), kept / 6);
        assert_eq!(end, Err(End::Cancelled));
    }
}
