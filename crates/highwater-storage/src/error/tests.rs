//! Which answers of a disk or a store mean what.

use super::*;

fn kind(cause: object_store::Error) -> ErrorKind {
    let error = Error::from(StorageError::Object {
        action: Action::Write,
        location: "/data/a".into(),
        cause,
    });
    assert!(error.to_string().starts_with("storage: cannot write /data/a: "), "{error}");
    error.kind()
}

fn not_applied(code: i32) -> object_store::Error {
    let source = io::Error::from_raw_os_error(code);
    WriteError::NotApplied { path: "/data/a".into(), source }.into()
}

#[test]
fn a_disk_that_is_full_or_closed_refuses() {
    const ENOSPC: i32 = 28;
    const EDQUOT: i32 = 122;
    const EROFS: i32 = 30;
    const EACCES: i32 = 13;
    const EPERM: i32 = 1;
    for code in [ENOSPC, EDQUOT, EROFS, EACCES, EPERM] {
        assert_eq!(kind(not_applied(code)), ErrorKind::Refused, "{code}");
    }
}

#[test]
fn other_answers_of_a_disk_may_pass() {
    const EIO: i32 = 5;
    const EMFILE: i32 = 24;
    for code in [EIO, EMFILE] {
        assert_eq!(kind(not_applied(code)), ErrorKind::Transient, "{code}");
    }
}

#[test]
fn a_failed_sync_of_a_directory_stops() {
    const ENOSPC: i32 = 28;
    let source = io::Error::from_raw_os_error(ENOSPC);
    let error = WriteError::NotSynced { path: "/data".into(), source };
    assert_eq!(kind(error.into()), ErrorKind::Corrupt);
    assert_eq!(kind(WriteError::Broken.into()), ErrorKind::Corrupt);
}

#[test]
fn answers_of_a_remote_store_have_kinds() {
    let source = || Box::new(io::Error::other("403"));
    let path = || "a".to_owned();
    let denied = object_store::Error::PermissionDenied { path: path(), source: source() };
    assert_eq!(kind(denied), ErrorKind::Transient, "an I/O error below decides first");
    let denied = object_store::Error::PermissionDenied { path: path(), source: "403".into() };
    assert_eq!(kind(denied), ErrorKind::Refused);
    let later = object_store::Error::Generic { store: "S3", source: "503".into() };
    assert_eq!(kind(later), ErrorKind::Transient);
    let never = object_store::Error::NotImplemented { operation: path(), implementer: path() };
    assert_eq!(kind(never), ErrorKind::Unsupported);
}
