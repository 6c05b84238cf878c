//! Bodies that are more than anybody wants: without an end, or small until they are decompressed.

use std::convert::Infallible;

use axum::body::Body;
use bytes::Bytes;
use flate2::{Compress, Compression, Crc, FlushCompress};
use futures_util::{StreamExt, stream};

/// `start`, then `text` for ever.
pub fn endless(start: String, text: &str) -> Body {
    // Pieces of some size: one of a few bytes at a time would keep both sides busy for nothing.
    let piece = Bytes::from(text.repeat((16 * 1024 / text.len().max(1)).max(1)));
    let pieces = stream::iter([Bytes::from(start)]).chain(stream::repeat(piece));
    Body::from_stream(pieces.map(Ok::<_, Infallible>))
}

/// What the bomb repeats: so many bytes become about a thousandth of them.
const PIECE: usize = 1 << 20;

/// `start`, `bytes` zeros as text, and `end`, as gzip: one block of it is made and sent as often as it takes.
pub fn bomb(start: &str, bytes: u64, end: &str) -> Body {
    let zeros = vec![b'0'; PIECE];
    let (count, rest) = (bytes / PIECE as u64, (bytes % PIECE as u64) as usize);
    let mut deflate = Compress::new(Compression::best(), false);
    let mut head = b"\x1f\x8b\x08\0\0\0\0\0\0\xff".to_vec();
    let mut crc = Crc::new();
    let (mut block, mut piece) = (Vec::new(), Crc::new());
    // A full flush ends at a byte and forgets what was before: the same block follows itself, and anything else.
    compress(&mut deflate, start.as_bytes(), FlushCompress::Full, &mut head, &mut crc);
    compress(&mut deflate, &zeros, FlushCompress::Full, &mut block, &mut piece);
    for _ in 0..count {
        crc.combine(&piece);
    }
    let mut tail = Vec::new();
    let last = [&zeros[..rest], end.as_bytes()].concat();
    compress(&mut deflate, &last, FlushCompress::Finish, &mut tail, &mut crc);
    tail.extend(crc.sum().to_le_bytes());
    tail.extend(crc.amount().to_le_bytes());
    let blocks = stream::repeat(Bytes::from(block)).take(usize::try_from(count).unwrap_or(usize::MAX));
    let pieces = stream::iter([Bytes::from(head)]).chain(blocks).chain(stream::iter([Bytes::from(tail)]));
    Body::from_stream(pieces.map(Ok::<_, Infallible>))
}

fn compress(deflate: &mut Compress, bytes: &[u8], flush: FlushCompress, out: &mut Vec<u8>, crc: &mut Crc) {
    crc.update(bytes);
    // More than a thousandth of a piece, and what a flush adds: it is taken in one go.
    out.reserve(bytes.len() / 64 + 4_096);
    let result = deflate.compress_vec(bytes, out, flush);
    debug_assert!(result.is_ok());
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn a_bomb_is_small_and_becomes_what_it_should() {
        for bytes in [0, 5, PIECE as u64, 10 * PIECE as u64 + 77] {
            let small = bomb("{\"data\": \"成功", bytes, "\"}").collect().await.unwrap().to_bytes();
            assert!(small.len() as u64 <= 4_096 + bytes / 500, "{} for {bytes}", small.len());
            let mut text = String::new();
            flate2::read::GzDecoder::new(&small[..]).read_to_string(&mut text).unwrap();
            let zeros =
                text.strip_prefix("{\"data\": \"成功").and_then(|text| text.strip_suffix("\"}")).unwrap();
            assert!(zeros.len() as u64 == bytes && zeros.bytes().all(|byte| byte == b'0'));
        }
    }

    #[tokio::test]
    async fn an_endless_body_goes_on() {
        let mut body = endless("[".into(), "1, ");
        let (mut text, mut frames) = (Vec::new(), 0);
        while text.len() < 1_000_000 {
            text.extend_from_slice(&body.frame().await.unwrap().unwrap().into_data().unwrap());
            frames += 1;
        }
        assert!(text.starts_with(b"[1, 1, ") && frames < 100);
    }
}
