//! Deletion vectors: where they are written, and what of the log names them.
//!
//! Source: <https://github.com/delta-io/delta/blob/master/PROTOCOL.md#deletion-vectors>

use highwater_core::{Error, Result};
use highwater_storage::{Created, Storage};
use uuid::Uuid;

use crate::error::{Cause, DeltaError};
use crate::files::{ABSOLUTE, DeletionVector};
use crate::kernel::{DeletedRows, Encoded, encode};

/// Vectors in a file whose name tells where it is relative to the table.
const RELATIVE: &str = "u";
/// Vectors in the log.
const INLINE: &str = "i";

/// A name between them makes that of a file.
const PREFIX: &str = "deletion_vector_";
const SUFFIX: &str = ".bin";

/// Characters of a name in Z85.
const NAME: usize = 20;

/// The digits of Z85, a way to write four bytes as five characters.
///
/// Source: <https://rfc.zeromq.org/spec/32/>
const DIGITS: &[u8; 85] =
    b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

/// What a file of deletion vectors is called, whoever writes it.
fn file(name: Uuid) -> String {
    format!("{PREFIX}{name}{SUFFIX}")
}

/// Whether `file` is called so.
pub(crate) fn is_file(file: &str) -> bool {
    let name = file.strip_prefix(PREFIX).and_then(|name| name.strip_suffix(SUFFIX));
    name.is_some_and(|name| Uuid::try_parse(name).is_ok())
}

/// The file that a vector is in, as the log writes paths; none when it is in the log itself.
///
/// # Errors
/// [`DeltaError::Unreadable`] when it does not say.
pub(crate) fn place(
    table: &Storage,
    vector: &DeletionVector,
) -> Result<Option<String>, DeltaError> {
    let text = vector.path_or_inline_dv.as_str();
    let place = match vector.storage_type.as_str() {
        INLINE => return Ok(None),
        ABSOLUTE => Some(text.to_owned()),
        RELATIVE => relative(text),
        _ => None,
    };
    place.map(Some).ok_or_else(|| DeltaError::Unreadable {
        location: format!("a deletion vector of {}", table.location("")),
        source: format!("{}{text} is no place", vector.storage_type).into(),
    })
}

/// The path below the table, of a prefix and a name.
fn relative(text: &str) -> Option<String> {
    let (prefix, name) = text.split_at_checked(text.len().checked_sub(NAME)?)?;
    let name = file(Uuid::from_slice(&from_z85(name)?).ok()?);
    Some(if prefix.is_empty() { name } else { format!("{prefix}/{name}") })
}

/// Writes deletion vectors into one file of a name that nobody else has, and says where each is.
///
/// # Errors
/// As of [`Storage`]. Nothing of the log names the file yet.
pub(crate) async fn write(table: &Storage, vectors: &[DeletedRows]) -> Result<Vec<DeletionVector>> {
    let name = Uuid::new_v4();
    let path = file(name);
    let location = table.location(&path);
    let unwritable = |source: Cause| -> Error {
        DeltaError::Foreign { what: "deletion vectors", of: location.clone(), source }.into()
    };
    let (bytes, encoded) = encode(vectors).map_err(unwritable)?;
    match table.create(&path, bytes.into()).await? {
        Created::Created => {}
        Created::Exists => return Err(unwritable("a file of this name is there".into())),
    }
    let vector = |encoded: Encoded| DeletionVector {
        storage_type: RELATIVE.to_owned(),
        path_or_inline_dv: z85(name.as_bytes()),
        offset: Some(encoded.offset),
        size_in_bytes: encoded.size_in_bytes,
        cardinality: encoded.cardinality,
    };
    Ok(encoded.into_iter().map(vector).collect())
}

/// Bytes as Z85; their number is a multiple of four.
fn z85(bytes: &[u8]) -> String {
    let (words, _none) = bytes.as_chunks::<4>();
    let mut text = String::new();
    for word in words {
        let word = u32::from_be_bytes(*word);
        for power in [85_u32.pow(4), 85_u32.pow(3), 85_u32.pow(2), 85, 1] {
            let digit = usize::try_from(word / power % 85).ok().and_then(|at| DIGITS.get(at));
            text.extend(digit.map(|digit| char::from(*digit)));
        }
    }
    text
}

/// The bytes that were written so.
fn from_z85(text: &str) -> Option<Vec<u8>> {
    let (words, []) = text.as_bytes().as_chunks::<5>() else { return None };
    let mut bytes = Vec::new();
    for word in words {
        let mut value = 0_u32;
        for char in word {
            let digit = DIGITS.iter().position(|digit| digit == char)?;
            value = value.checked_mul(85)?.checked_add(u32::try_from(digit).ok()?)?;
        }
        bytes.extend(value.to_be_bytes());
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    //! The examples of the specifications, and the bytes of a file.

    use super::*;
    use crate::kernel::Files;
    use crate::log::Log;

    #[test]
    fn names_are_written_as_the_protocol_has_it() {
        let name: Uuid = "61d16c75-6994-46b7-a15b-8b538852e50e".parse().unwrap();
        assert_eq!(z85(name.as_bytes()), "vBn[lx{q8@P<9BNH/isA");
        let name: Uuid = "d2c639aa-8816-431a-aaf6-d3fe2512ff61".parse().unwrap();
        assert_eq!(z85(name.as_bytes()), "^-aqEH.-t@S}K{vb[*k^");
        assert_eq!(z85(&[0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b]), "HelloWorld");
    }

    #[test]
    fn the_file_of_a_vector_is_told_by_its_name() {
        let table = Storage::memory();
        let of = |kind: &str, text: &str| {
            let vector = DeletionVector {
                storage_type: kind.to_owned(),
                path_or_inline_dv: text.to_owned(),
                offset: None,
                size_in_bytes: 1,
                cardinality: 1,
            };
            place(&table, &vector)
        };
        let name = "deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin";
        assert!(is_file(name) && !is_file("deletion_vector_x.bin") && !is_file(&name[1..]));
        assert_eq!(of("u", "^-aqEH.-t@S}K{vb[*k^").unwrap().as_deref(), Some(name));
        let below = format!("ab/{name}");
        assert_eq!(of("u", "ab^-aqEH.-t@S}K{vb[*k^").unwrap(), Some(below));
        assert_eq!(of("p", "s3://lake/t/x.bin").unwrap().as_deref(), Some("s3://lake/t/x.bin"));
        assert_eq!(of("i", "wi5b=000010000siXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L").unwrap(), None);
        for (kind, text) in [("u", "short"), ("u", "^-aqEH.-t@S}K{vb[*k\""), ("x", "any")] {
            assert!(of(kind, text).is_err(), "{kind}{text}");
        }
        assert_eq!(
            from_z85("HelloWorld").unwrap(),
            [0x86, 0x4f, 0xd2, 0x6f, 0xb5, 0x59, 0xf7, 0x5b]
        );
        assert_eq!(from_z85("#####"), None);
    }

    /// The bytes of `rows`, all below 65,536, written here by the letter of the specifications.
    fn by_hand(rows: &[u16]) -> Vec<u8> {
        let mut bitmap = Vec::new();
        bitmap.extend(1_681_511_377_u32.to_le_bytes());
        // One bitmap of 32 bits, for the high half 0.
        bitmap.extend(1_u64.to_le_bytes());
        bitmap.extend(0_u32.to_le_bytes());
        // Without runs; one container, for the high half 0, as an array behind 16 bytes.
        bitmap.extend(12_346_u32.to_le_bytes());
        bitmap.extend(1_u32.to_le_bytes());
        bitmap.extend(0_u16.to_le_bytes());
        bitmap.extend(u16::try_from(rows.len() - 1).unwrap().to_le_bytes());
        bitmap.extend(16_u32.to_le_bytes());
        bitmap.extend(rows.iter().flat_map(|row| row.to_le_bytes()));
        let mut file = u32::try_from(bitmap.len()).unwrap().to_be_bytes().to_vec();
        file.extend(&bitmap);
        file.extend(crc32(&bitmap).to_be_bytes());
        file
    }

    fn crc32(bytes: &[u8]) -> u32 {
        let mut crc = u32::MAX;
        for byte in bytes {
            crc ^= u32::from(*byte);
            for _ in 0..8 {
                crc = (crc >> 1) ^ (0xedb8_8320 * (crc & 1));
            }
        }
        !crc
    }

    #[tokio::test]
    async fn a_file_has_the_bytes_that_the_protocol_asks_for() {
        let mut vectors = [DeletedRows::default(), DeletedRows::default()];
        vectors[0].add(&[3, 4, 7, 11, 18, 29]);
        vectors[1].add(&[65_535]);
        let storage = Storage::memory();
        let written = write(&storage, &vectors).await.unwrap();
        let [object] = &*storage.list("").await.unwrap() else { panic!() };
        let (first, second) = (by_hand(&[3, 4, 7, 11, 18, 29]), by_hand(&[65_535]));
        let bytes = storage.read(&object.path).await.unwrap().unwrap();
        assert_eq!(&*bytes, [vec![1], first.clone(), second].concat());
        let name = object.path.strip_prefix("deletion_vector_").unwrap();
        let name: Uuid = name.strip_suffix(".bin").unwrap().parse().unwrap();
        let expected = |offset, size_in_bytes, cardinality| DeletionVector {
            storage_type: "u".to_owned(),
            path_or_inline_dv: z85(name.as_bytes()),
            offset: Some(offset),
            size_in_bytes,
            cardinality,
        };
        let length = i32::try_from(first.len()).unwrap();
        // A file's length and its checksum do not count.
        assert_eq!(written, [expected(1, length - 8, 6), expected(1 + length, length - 18, 1)]);
        assert_eq!((vectors[0].len(), vectors[1].len()), (6, 1));
        let files = Files::new(&Log::new(storage));
        assert_eq!(files.deleted(&written[0]).await.unwrap(), [3, 4, 7, 11, 18, 29]);
        assert_eq!(files.deleted(&written[1]).await.unwrap(), [65_535]);
    }

    #[tokio::test]
    async fn the_example_of_the_protocol_is_read() {
        let inline = DeletionVector {
            storage_type: "i".to_owned(),
            path_or_inline_dv: "^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L".to_owned(),
            offset: None,
            size_in_bytes: 44,
            cardinality: 6,
        };
        let files = Files::new(&Log::new(Storage::memory()));
        assert_eq!(files.deleted(&inline).await.unwrap(), [3, 4, 7, 11, 18, 29]);
    }
}
