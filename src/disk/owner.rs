//! Whose a state on disk is, and what of: nobody is ever handed another's.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// By what a state is known again. It goes on only where all of it is the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Owner {
    /// The platform's address.
    pub address: String,
    /// Whose data the client sees: no secret, but a hash of one.
    pub account: String,
    pub call: String,
    /// What the call was given, as far as it changes what comes back: names and values, in a fixed order.
    pub arguments: Vec<(String, String)>,
}

impl Owner {
    /// A name for a file: the same for the same owner only.
    pub(crate) fn digest(&self) -> String {
        let mut hash = Sha256::new();
        let mut add = |text: &str| {
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text);
        };
        add(&self.address);
        add(&self.account);
        add(&self.call);
        for (name, value) in &self.arguments {
            add(name);
            add(value);
        }
        hash.finalize().iter().take(20).map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_differs_has_another_name() {
        let owner = Owner {
            address: "https://a/".into(),
            account: "one".into(),
            call: "download".into(),
            arguments: vec![("a".into(), "bc".into())],
        };
        let mut names = vec![owner.digest()];
        names.push(Owner { address: "https://b/".into(), ..owner.clone() }.digest());
        names.push(Owner { account: "two".into(), ..owner.clone() }.digest());
        names.push(Owner { call: "upload".into(), ..owner.clone() }.digest());
        names.push(Owner { arguments: vec![("ab".into(), "c".into())], ..owner.clone() }.digest());
        names.push(Owner { arguments: Vec::new(), ..owner.clone() }.digest());
        let all = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), all);
        assert_eq!(owner.digest(), owner.clone().digest());
    }
}
