//! The key that sign-ins are encrypted with, in the format of age.
//!
//! The format is that of <https://age-encryption.org/v1>, so any other program for this format can
//! decrypt the files.

use std::fmt;
use std::str::FromStr;

use age::secrecy::{ExposeSecret, SecretSlice, SecretString};
use age::{DecryptError, scrypt, x25519};
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use base64::{Engine, alphabet};

use super::error::{FEWEST_CHARACTERS, KeySource, SignInsOrigin, StoreError, StoreKeyError};
use super::file::MOST_BYTES;
use super::{Damage, SignIns};
use crate::model::note_secret;

/// How much work it is to try a passphrase: 2 to the power of this many rounds, some 100 ms.
const WORK: u8 = 15;

/// How much work is done at most to read, which takes 256 MiB of memory: what `age` itself writes.
const MOST_WORK: u8 = 18;

/// How a file in the format of age begins a line of its header for one key, and the last line.
const STANZA: &[u8] = b"-> ";
const END_OF_HEADER: &[u8] = b"---";

/// The most bytes of a header, and of keys in it. This program writes one key in 200 bytes, and each
/// further one is work for whoever reads it.
const MOST_HEADER_BYTES: usize = 16 * 1024;
const MOST_STANZAS: usize = 20;

/// `age-encryption.org`, with which every such file begins, in base64.
const SEALED: &str = "YWdlLWVuY3J5cHRpb24ub3Jn";

/// Base64 as it is written, and read whether or not its padding was copied.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The key that sign-ins are encrypted with.
#[derive(Clone)]
pub struct StoreKey(KeyKind);

/// What a key is.
#[derive(Clone)]
enum KeyKind {
    /// An identity of age.
    Identity(x25519::Identity),
    /// Anything else that is long enough.
    Passphrase(SecretString),
}

/// An error of decrypting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreDecryptError {
    /// It was encrypted with another key.
    #[error("it was made with another key")]
    Key,
    /// It is damaged.
    #[error(transparent)]
    Damage(Damage),
}

impl FromStr for StoreKey {
    type Err = StoreKeyError;

    /// Takes an identity, alone or in the file that `age-keygen` writes, or else a passphrase.
    fn from_str(text: &str) -> Result<Self, StoreKeyError> {
        note_secret(text);
        let begins = |line: &&str| line.to_ascii_uppercase().starts_with("AGE-");
        if let Some(line) = text.lines().map(str::trim).find(begins) {
            let identity = line.parse().map_err(|_| StoreKeyError::Identity)?;
            return Ok(Self(KeyKind::Identity(identity)));
        }
        let passphrase = text.trim();
        if passphrase.parse::<x25519::Recipient>().is_ok() {
            return Err(StoreKeyError::Public);
        }
        if passphrase.chars().count() < FEWEST_CHARACTERS {
            return Err(StoreKeyError::Short);
        }
        Ok(Self(KeyKind::Passphrase(SecretString::from(passphrase))))
    }
}

impl StoreKey {
    /// Returns a new random key, for a command that only removes sign-ins.
    pub fn random() -> Self {
        Self::generate().0
    }

    /// Makes a key, and returns it with its text.
    pub fn generate() -> (Self, SecretString) {
        let identity = x25519::Identity::generate();
        let text = identity.to_string();
        note_secret(text.expose_secret());
        (Self(KeyKind::Identity(identity)), text)
    }

    /// Encrypts sign-ins to one line of base64, for a secret variable of a pipeline.
    ///
    /// # Errors
    /// The encryption failed.
    pub fn encrypt_line(&self, sign_ins: &SignIns) -> Result<String, StoreError> {
        let text = sign_ins.to_json();
        Ok(BASE64.encode(self.encrypt(text.expose_secret().as_bytes())?))
    }

    /// Decrypts sign-ins from a line of [`Self::encrypt_line`]. White space in the line is ignored.
    ///
    /// # Errors
    /// The line is damaged, or was made with another key.
    pub fn decrypt_line(&self, text: &str) -> Result<SignIns, StoreError> {
        self.try_decrypt_line(text)
            .map_err(|shut| shut.into_store_error(SignInsOrigin::Line, KeySource::Variable))
    }

    fn try_decrypt_line(&self, text: &str) -> Result<SignIns, StoreDecryptError> {
        if text.len() > 2 * MOST_BYTES {
            return Err(StoreDecryptError::Damage(Damage::Size));
        }
        let line: String = text.split_whitespace().collect();
        let sealed = BASE64.decode(line).map_err(|_| StoreDecryptError::Damage(Damage::Base64))?;
        SignIns::from_json(self.decrypt(&sealed)?.expose_secret())
            .map_err(StoreDecryptError::Damage)
    }

    /// Encrypts bytes.
    ///
    /// # Errors
    /// The encryption failed.
    pub fn encrypt(&self, plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        let sealed = match &self.0 {
            KeyKind::Identity(identity) => age::encrypt(&identity.to_public(), plain),
            KeyKind::Passphrase(passphrase) => {
                let mut recipient = scrypt::Recipient::new(passphrase.clone());
                recipient.set_work_factor(WORK);
                age::encrypt(&recipient, plain)
            }
        };
        sealed.map_err(|_| StoreError::Unsealable)
    }

    /// Encrypts bytes so that only holders of this key could have made the result. Anybody who
    /// knows the public half of an age identity can encrypt to it, so the text of the identity
    /// serves as a passphrase.
    ///
    /// # Errors
    /// The encryption failed.
    pub fn encrypt_authenticated(&self, plain: &[u8]) -> Result<Vec<u8>, StoreError> {
        self.as_passphrase().encrypt(plain)
    }

    /// Decrypts the result of [`Self::encrypt_authenticated`].
    ///
    /// # Errors
    /// The bytes are damaged, or were encrypted with another key or in another way.
    pub fn decrypt_authenticated(
        &self,
        sealed: &[u8],
    ) -> Result<SecretSlice<u8>, StoreDecryptError> {
        self.as_passphrase().decrypt(sealed)
    }

    fn as_passphrase(&self) -> Self {
        match &self.0 {
            KeyKind::Identity(identity) => Self(KeyKind::Passphrase(identity.to_string())),
            KeyKind::Passphrase(passphrase) => Self(KeyKind::Passphrase(passphrase.clone())),
        }
    }

    /// Decrypts bytes.
    ///
    /// # Errors
    /// They are damaged, or were encrypted with another key.
    pub fn decrypt(&self, sealed: &[u8]) -> Result<SecretSlice<u8>, StoreDecryptError> {
        if !has_short_header(sealed) {
            return Err(StoreDecryptError::Damage(Damage::Seal));
        }
        let plain = match &self.0 {
            KeyKind::Identity(identity) => age::decrypt(identity, sealed),
            KeyKind::Passphrase(passphrase) => {
                let mut identity = scrypt::Identity::new(passphrase.clone());
                identity.set_max_work_factor(MOST_WORK);
                age::decrypt(&identity, sealed)
            }
        };
        plain.map(SecretSlice::from).map_err(|error| match error {
            DecryptError::NoMatchingKeys
            | DecryptError::DecryptionFailed
            | DecryptError::KeyDecryptionFailed => StoreDecryptError::Key,
            DecryptError::ExcessiveWork { .. } => StoreDecryptError::Damage(Damage::Work),
            _ => StoreDecryptError::Damage(Damage::Seal),
        })
    }
}

/// Checks whether the content of a file is encrypted.
pub fn is_encrypted(content: &[u8]) -> bool {
    content.starts_with(b"age-encryption.org/")
}

/// Checks whether the header of a file is as short as those of this program, or nearly so.
fn has_short_header(sealed: &[u8]) -> bool {
    let begin = &sealed[..sealed.len().min(MOST_HEADER_BYTES)];
    let mut lines = begin.split(|byte| *byte == b'\n');
    let stanzas = lines.by_ref().take_while(|line| !line.starts_with(END_OF_HEADER));
    stanzas.filter(|line| line.starts_with(STANZA)).count() <= MOST_STANZAS
        && (begin.len() == sealed.len() || lines.next().is_some())
}

/// Checks whether a text is a line of encrypted sign-ins rather than a token.
pub fn is_encrypted_line(text: &str) -> bool {
    let dense = text.chars().filter(|character| !character.is_whitespace());
    dense.take(SEALED.len()).eq(SEALED.chars())
}

impl StoreDecryptError {
    /// Returns the store's error for sign-ins from `origin` and a key from `holder`.
    pub(super) fn into_store_error(self, origin: SignInsOrigin, holder: KeySource) -> StoreError {
        match self {
            Self::Key => StoreError::WrongKey { origin, holder },
            Self::Damage(source) => StoreError::Unreadable { origin, source },
        }
    }
}

impl fmt::Debug for StoreKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("StoreKey(****)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sign_in::store::testing::{name, sign_in};

    const PASSPHRASE: &str = "sixteen letters.";

    fn some() -> SignIns {
        let mut sign_ins = SignIns::default();
        sign_ins.put(name("a"), sign_in("hush-hush"));
        sign_ins
    }

    fn key(text: &str) -> StoreKey {
        text.parse().unwrap()
    }

    #[test]
    fn a_text_is_an_identity_a_long_passphrase_or_refused() {
        let (_, text) = StoreKey::generate();
        let identity = text.expose_secret();
        let file = format!("# created: today\n# public key: age1made-up\n{identity}\n");
        for text in [identity, &format!(" {identity}\r\n"), &identity.to_lowercase(), &file] {
            assert!(matches!(key(text).0, KeyKind::Identity(_)), "{text}");
        }
        assert!(matches!(key(PASSPHRASE).0, KeyKind::Passphrase(_)));
        let public = text.expose_secret().parse::<x25519::Identity>().unwrap().to_public();
        let cases = [
            ("fifteen letters", StoreKeyError::Short),
            ("  fifteen letters  \n", StoreKeyError::Short),
            ("", StoreKeyError::Short),
            (&identity[..identity.len() - 1], StoreKeyError::Identity),
            ("AGE-SECRET-KEY-PQ-1MADEUP", StoreKeyError::Identity),
            (&public.to_string(), StoreKeyError::Public),
        ];
        for (text, error) in cases {
            assert_eq!(text.parse::<StoreKey>().unwrap_err(), error, "{text}");
        }
    }

    #[test]
    fn a_line_is_opened_by_the_key_it_was_made_with_however_it_was_copied() {
        for key in [StoreKey::generate().0, key(PASSPHRASE)] {
            let line = key.encrypt_line(&some()).unwrap();
            assert!(line.starts_with(SEALED) && !line.contains(char::is_whitespace));
            let wrapped: Vec<_> = line.as_bytes().chunks(10).map(String::from_utf8_lossy).collect();
            let wrapped = format!("\n {}\r\n", wrapped.join("\r\n"));
            for text in [&line, line.trim_end_matches('='), &wrapped] {
                assert!(is_encrypted_line(text));
                assert_eq!(key.decrypt_line(text).unwrap(), some());
            }
        }
    }

    #[test]
    fn a_token_is_no_sealed_line() {
        for text in ["", "0.AXkA-made-up", "eyJhbGciOi", "YWdlLWVuY3J5cHRpb24", "age-encryption"] {
            assert!(!is_encrypted_line(text), "{text}");
        }
    }

    #[test]
    fn another_key_opens_nothing_and_says_so() {
        let keys = [StoreKey::generate().0, StoreKey::generate().0, key(PASSPHRASE)];
        let other = key("sixteen others..");
        let line = keys[0].encrypt_line(&some()).unwrap();
        let by_passphrase = keys[2].encrypt_line(&some()).unwrap();
        for (key, line) in [(&keys[1], &line), (&keys[2], &line), (&other, &by_passphrase)] {
            let error = key.decrypt_line(line).unwrap_err();
            assert!(
                matches!(error, StoreError::WrongKey { origin: SignInsOrigin::Line, .. }),
                "{error}"
            );
        }
    }

    #[test]
    fn what_is_our_own_cannot_be_made_with_the_public_half_of_a_key() {
        let (identity, text) = StoreKey::generate();
        for key in [&identity, &key(PASSPHRASE)] {
            let sealed = key.encrypt_authenticated(b"made-up").unwrap();
            assert_eq!(key.decrypt_authenticated(&sealed).unwrap().expose_secret(), b"made-up");
        }
        let public = text.expose_secret().parse::<x25519::Identity>().unwrap().to_public();
        let forged = age::encrypt(&public, b"forged").unwrap();
        assert!(identity.decrypt(&forged).is_ok());
        assert!(matches!(identity.decrypt_authenticated(&forged), Err(StoreDecryptError::Key)));
    }

    #[test]
    fn a_damaged_line_is_told_from_a_wrong_key() {
        let key = StoreKey::generate().0;
        let line = key.encrypt_line(&some()).unwrap();
        let mut changed = BASE64.decode(&line).unwrap();
        *changed.last_mut().unwrap() ^= 1;
        let cases = [
            ("not base64!".to_owned(), Damage::Base64),
            (line[..line.len() - 20].to_owned(), Damage::Seal),
            (BASE64.encode(changed), Damage::Seal),
            (SEALED.to_owned(), Damage::Seal),
            (
                BASE64.encode(key.encrypt(b"hush-hush").unwrap()),
                Damage::Json { line: 1, column: 1 },
            ),
            ("A".repeat(2 * MOST_BYTES + 1), Damage::Size),
        ];
        for (text, damage) in cases {
            let error = key.decrypt_line(&text).unwrap_err();
            let told = matches!(&error, StoreError::Unreadable { source, .. } if *source == damage);
            assert!(told, "{damage:?}: {error:?}");
            assert!(!format!("{error:?}").contains("hush"));
        }
    }

    #[test]
    fn a_file_that_asks_for_too_much_work_is_refused_before_any() {
        let sealed = key(PASSPHRASE).encrypt(b"{}").unwrap();
        let place = sealed.windows(4).position(|part| part == b" 15\n").unwrap();
        let mut greedy = sealed;
        greedy[place + 1..place + 3].copy_from_slice(b"63");
        assert!(matches!(
            key(PASSPHRASE).decrypt(&greedy),
            Err(StoreDecryptError::Damage(Damage::Work))
        ));
    }

    #[test]
    fn a_file_for_thousands_of_keys_is_refused_before_any_is_tried() {
        let key = StoreKey::generate().0;
        let sealed = key.encrypt(b"{}").unwrap();
        let end = sealed.windows(4).position(|part| part == b"\n---").unwrap() + 1;
        let start = sealed.iter().position(|byte| *byte == b'\n').unwrap() + 1;
        for count in [1, 21, 5_000] {
            let stanzas = sealed[start..end].repeat(count);
            let many = [&sealed[..start], &stanzas, &sealed[end..]].concat();
            let begin = std::time::Instant::now();
            let opened = key.decrypt(&many);
            assert_eq!(opened.is_ok(), count == 1, "{count}");
            assert!(begin.elapsed() < std::time::Duration::from_secs(1), "{count}");
        }
        let long = [&sealed[..start], b"-> a\n", &b"A".repeat(1 << 22), b"\n"].concat();
        assert!(matches!(key.decrypt(&long), Err(StoreDecryptError::Damage(Damage::Seal))));
    }

    #[test]
    fn a_key_is_not_in_its_debug_text() {
        assert_eq!(format!("{:?}", key(PASSPHRASE)), "StoreKey(****)");
    }
}
