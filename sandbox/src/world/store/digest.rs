//! What is known of a body by its bytes: size, CRC-64, MD5.

use std::sync::Arc;

use md5::{Digest, Md5};

use super::blob::Blob;

/// A body that has come whole.
pub struct Received {
    pub blob: Arc<Blob>,
    pub crc64: u64,
    /// MD5, or what stands in for it when MD5 is switched off.
    pub digest: [u8; 16],
}

pub struct Hashes {
    md5: Option<Md5>,
    crc: crc64fast::Digest,
    size: u64,
}

impl Hashes {
    pub fn new(with_md5: bool) -> Self {
        Hashes { md5: with_md5.then(Md5::new), crc: crc64fast::Digest::new(), size: 0 }
    }

    pub fn update(&mut self, chunk: &[u8]) {
        if let Some(md5) = &mut self.md5 {
            md5.update(chunk);
        }
        self.crc.write(chunk);
        self.size += chunk.len() as u64;
    }

    pub fn finish(self, blob: Blob) -> Received {
        let crc64 = self.crc.sum64();
        Received {
            blob: Arc::new(blob),
            crc64,
            digest: match self.md5 {
                Some(md5) => md5.finalize().into(),
                None => cheap_digest(crc64, self.size),
            },
        }
    }
}

/// As good an ETag as its CRC is, and much quicker than MD5.
pub fn cheap_digest(crc64: u64, size: u64) -> [u8; 16] {
    let mixed = (crc64 ^ size).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (u128::from(crc64) << 64 | u128::from(mixed)).to_be_bytes()
}

/// Bytes that are already here.
pub fn receive_bytes(bytes: Vec<u8>, with_md5: bool) -> Received {
    let mut hashes = Hashes::new(with_md5);
    hashes.update(&bytes);
    hashes.finish(Blob::Memory(bytes.into()))
}
