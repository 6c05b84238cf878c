//! Writing the store's XML answers, and reading the one document that clients send.

use quick_xml::escape::escape;
use serde::Deserialize;

/// A document under construction.
pub(super) struct Xml(String);

impl Xml {
    pub(super) fn document(root: &str, fill: impl FnOnce(&mut Xml)) -> String {
        let mut xml = Xml(String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"));
        xml.element(root, fill);
        xml.0.push('\n');
        xml.0
    }

    pub(super) fn element(&mut self, name: &str, fill: impl FnOnce(&mut Xml)) {
        self.0.push_str(&format!("<{name}>"));
        fill(self);
        self.0.push_str(&format!("</{name}>"));
    }

    pub(super) fn text(&mut self, name: &str, value: &str) {
        // XML 1.0 has no spelling for control characters, not even as a reference.
        let printable: String = value
            .chars()
            .map(|c| match c {
                '\n' | '\t' | '\r' => c,
                c if c.is_control() => '\u{FFFD}',
                c => c,
            })
            .collect();
        self.0.push_str(&format!("<{name}>{}</{name}>", escape(&printable)));
    }
}

/// The body of CompleteMultipartUpload.
#[derive(Deserialize, Debug, PartialEq)]
#[serde(rename = "CompleteMultipartUpload")]
pub(super) struct CompleteRequest {
    #[serde(rename = "Part", default)]
    pub(super) parts: Vec<PartReference>,
}

#[derive(Deserialize, Debug, PartialEq)]
pub(super) struct PartReference {
    #[serde(rename = "PartNumber")]
    pub(super) number: u32,
    #[serde(rename = "ETag")]
    pub(super) etag: String,
}

pub(super) fn parse_complete(body: &[u8]) -> Option<CompleteRequest> {
    let text = std::str::from_utf8(body).ok()?;
    let trimmed = text.trim_start_matches('\u{FEFF}').trim();
    // The deserializer takes any root; the store does not.
    let root = trimmed.rfind("</CompleteMultipartUpload>")?;
    if trimmed.len() != root + "</CompleteMultipartUpload>".len() {
        return None;
    }
    quick_xml::de::from_str(trimmed).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_escaped() {
        let xml = Xml::document("Error", |x| x.text("Key", "a<b>&\"目录\u{1}"));
        assert_eq!(
            xml,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Key>a&lt;b&gt;&amp;&quot;目录\u{FFFD}</Key></Error>\n"
        );
    }

    #[test]
    fn complete_documents_are_read() {
        let read = parse_complete(
            b"<?xml version=\"1.0\"?>\n<CompleteMultipartUpload>\n <Part><PartNumber>1</PartNumber><ETag>\"AB\"</ETag></Part>\
              <Part><ETag>&quot;CD&quot;</ETag><PartNumber>7</PartNumber></Part></CompleteMultipartUpload>",
        )
        .unwrap();
        let parts: Vec<_> = read.parts.iter().map(|p| (p.number, p.etag.as_str())).collect();
        assert_eq!(parts, [(1, "\"AB\""), (7, "\"CD\"")]);
    }

    #[test]
    fn broken_documents_are_refused() {
        for body in [
            "",
            "{}",
            "<CompleteMultipartUpload><Part><PartNumber>x</PartNumber><ETag>a</ETag></Part></CompleteMultipartUpload>",
            "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>",
            "<CompleteMultipartUpload><Part>",
            "<Other><Part><PartNumber>1</PartNumber><ETag>a</ETag></Part></Other>",
        ] {
            assert_eq!(parse_complete(body.as_bytes()), None, "{body}");
        }
    }
}
