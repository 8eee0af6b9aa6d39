//! The token file: a line for each token, `NAME:SHA256`. The server never holds a token, only what it hashes to; tokens
//! are random and long, so one round of a hash is enough. It knows nothing of what a token opens.

use std::path::Path;
use std::sync::Arc;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use subtle::ConstantTimeEq;
use tokio_util::sync::CancellationToken;

use super::files::{Fingerprint, fingerprint};
use super::identity::{Caller, Identity, IdentityLimits};
use super::{AccessError, Refused};

const TOKENS_MAX: usize = 1024;
const NAME_BYTES_MAX: usize = 64;
const SCHEME: &[u8] = b"bearer ";

/// All tokens of a file.
#[derive(Debug)]
pub(super) struct Tokens(Vec<Token>);

/// One line of it. Several may have one name, be it for the time of a change: they share what the name may use.
#[derive(Debug)]
struct Token {
    name: String,
    hash: Hash,
    identity: Arc<Identity>,
    withdrawn: CancellationToken,
}

/// What a token hashes to. It is never printed.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Hash(Fingerprint);

impl std::fmt::Debug for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hash(..)")
    }
}

impl Tokens {
    /// Reads a file. Who was there `before` keeps what it uses.
    pub(super) fn from_file(
        path: &Path,
        text: &[u8],
        limits: IdentityLimits,
        before: Option<&Self>,
    ) -> Result<Self, AccessError> {
        let invalid = |reason| AccessError::Invalid {
            path: path.to_owned(),
            reason,
        };
        let text =
            std::str::from_utf8(text).map_err(|_error| invalid("it must be UTF-8".to_owned()))?;
        let mut tokens = Self(Vec::new());
        for (index, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let place = |reason| invalid(format!("line {}: {reason}", index + 1));
            let (name, hash) = parse(line).map_err(place)?;
            tokens.push(name, hash, limits, before).map_err(place)?;
        }
        Ok(tokens)
    }

    fn push(
        &mut self,
        name: &str,
        hash: Hash,
        limits: IdentityLimits,
        before: Option<&Self>,
    ) -> Result<(), &'static str> {
        if self.0.len() == TOKENS_MAX {
            return Err("it is one more than the 1024 tokens that are allowed");
        }
        if self.0.iter().any(|token| token.hash == hash) {
            return Err("the same token stands above; each must be there once");
        }
        let known = || {
            self.0
                .iter()
                .chain(before.iter().flat_map(|tokens| &tokens.0))
        };
        let identity = known().find(|token| token.name == name);
        let identity = identity.map(|token| Arc::clone(&token.identity));
        let same = known().find(|token| token.name == name && token.hash == hash);
        let withdrawn = same.map(|token| token.withdrawn.clone());
        self.0.push(Token {
            name: name.to_owned(),
            hash,
            identity: identity.unwrap_or_else(|| Arc::new(Identity::new(name, limits))),
            withdrawn: withdrawn.unwrap_or_default(),
        });
        Ok(())
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whose a call with these headers is.
    pub(super) fn caller(&self, headers: &HeaderMap) -> Result<Caller, Refused> {
        let mut values = headers.get_all(AUTHORIZATION).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(Refused::NoToken);
        };
        let (scheme, token) = value
            .as_bytes()
            .split_at_checked(SCHEME.len())
            .ok_or(Refused::NoToken)?;
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return Err(Refused::NoToken);
        }
        self.find(fingerprint(token)).ok_or(Refused::WrongToken)
    }

    /// Compares with all of them, and with all of each, so that the time says nothing.
    fn find(&self, hash: Fingerprint) -> Option<Caller> {
        let mut found = None;
        for token in &self.0 {
            if token.hash.0.ct_eq(&hash).into() {
                found = Some(token);
            }
        }
        found.map(|token| Caller::new(Arc::clone(&token.identity), token.withdrawn.clone()))
    }

    /// Ends what was opened with a token that is no longer there.
    pub(super) fn withdraw_all_but(&self, after: &Self) {
        for token in &self.0 {
            let stays = |other: &Token| other.name == token.name && other.hash == token.hash;
            if !after.0.iter().any(stays) {
                tracing::info!(name = token.name, "a token was withdrawn");
                token.withdrawn.cancel();
            }
        }
    }
}

/// Says of a line what is wrong, and never what is in it: it may be a token itself.
fn parse(line: &str) -> Result<(&str, Hash), &'static str> {
    let (name, hash) = line
        .split_once(':')
        .ok_or("it must be NAME:SHA256, the hash in hexadecimal")?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(allowed) {
        return Err("the name must be 1 to 64 of letters, digits, dot, dash and underscore");
    }
    let digits = hash.trim().as_bytes();
    let mut bytes = Fingerprint::default();
    if digits.len() != 2 * bytes.len() {
        return Err("the hash must be 64 hexadecimal digits, the SHA-256 of the token");
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        let digit = |index: usize| char::from(pair[index]).to_digit(16);
        let (Some(high), Some(low)) = (digit(0), digit(1)) else {
            return Err("the hash must be 64 hexadecimal digits, the SHA-256 of the token");
        };
        *byte = (high << 4 | low) as u8;
    }
    Ok((name, Hash(bytes)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;

    const NO_LIMITS: IdentityLimits = IdentityLimits {
        streams_max: None,
        commands_per_second_max: None,
    };
    /// As long as a hash.
    const A: &str = "b2d6c0bf5cc19e3e6eee6ee1ca4d3ee6af5c2cd9b1ac2ac0eff9a2f9d1f2e1ab";

    fn line(name: &str, token: &str) -> String {
        let hash: String = fingerprint(token.as_bytes())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        format!("{name}:{hash}\n")
    }

    fn read(text: &str, before: Option<&Tokens>) -> Result<Tokens, String> {
        let tokens = Tokens::from_file(Path::new("tokens"), text.as_bytes(), NO_LIMITS, before);
        tokens.map_err(|error| error.to_string())
    }

    fn present(tokens: &Tokens, authorization: &str) -> Result<Caller, Refused> {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, authorization.parse().unwrap());
        tokens.caller(&headers)
    }

    #[test]
    fn knows_its_tokens_and_no_others() {
        let text = [
            "# who may come in\n\n",
            &line("a", "secret-a"),
            &line("b.c-d_1", "secret-b"),
        ];
        let tokens = read(&text.concat(), None).unwrap();
        for known in ["Bearer secret-a", "bearer secret-b", "BEARER secret-b"] {
            assert!(present(&tokens, known).is_ok(), "{known}");
        }
        for (other, refused) in [
            ("Bearer secret-c", Refused::WrongToken),
            ("Bearer secret-", Refused::WrongToken),
            ("Bearer  secret-a", Refused::WrongToken),
            ("Bearer ", Refused::WrongToken),
            ("Bearer", Refused::NoToken),
            ("Basic secret-a", Refused::NoToken),
            ("secret-a", Refused::NoToken),
            ("", Refused::NoToken),
        ] {
            assert_eq!(present(&tokens, other).unwrap_err(), refused, "{other}");
        }
        let mut twice = HeaderMap::new();
        twice.append(AUTHORIZATION, "Bearer secret-a".parse().unwrap());
        twice.append(AUTHORIZATION, "Bearer secret-a".parse().unwrap());
        assert_eq!(tokens.caller(&twice).unwrap_err(), Refused::NoToken);
        assert_eq!(
            tokens.caller(&HeaderMap::new()).unwrap_err(),
            Refused::NoToken
        );
    }

    #[test]
    fn says_what_is_wrong_with_a_line_and_not_what_is_in_it() {
        let good = line("a", "secret-a");
        for (text, expected) in [
            ("secret-a", "line 1: it must be NAME:SHA256"),
            ("a:secret-a", "line 1: the hash must be 64"),
            (&format!("a:{}g", &A[..63]), "line 1: the hash must be 64"),
            (&format!(":{A}"), "line 1: the name must be"),
            (&format!("a b:{A}"), "line 1: the name must be"),
            (&format!("\u{1b}[31m:{A}"), "line 1: the name must be"),
            (
                &format!("# \n{good}\n{good}"),
                "line 4: the same token stands above",
            ),
        ] {
            let error = read(text, None).unwrap_err();
            assert!(error.starts_with(&format!("tokens: {expected}")), "{error}");
            assert!(!error.contains("secret") && !error.contains(A), "{error}");
        }
    }

    #[test]
    fn withdraws_what_is_gone_and_nothing_else() {
        let before = read(
            &[line("a", "1"), line("b", "2"), line("b", "3")].concat(),
            None,
        )
        .unwrap();
        let [a, b, b_other] =
            ["1", "2", "3"].map(|token| present(&before, &format!("Bearer {token}")).unwrap());
        let after = read(&[line("b", "3"), line("c", "1")].concat(), Some(&before)).unwrap();
        before.withdraw_all_but(&after);
        let withdrawn = |caller: &Caller| caller.withdrawn().unwrap().is_cancelled();
        assert!(withdrawn(&a), "its name is gone");
        assert!(withdrawn(&b), "its token is gone");
        assert!(!withdrawn(&b_other));
        assert!(
            !withdrawn(&present(&after, "Bearer 1").unwrap()),
            "it is another's now"
        );
        assert!(!format!("{before:?}").contains(&line("a", "1")[2..60]));
    }
}
