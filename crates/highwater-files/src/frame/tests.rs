//! Pieces written and read again.

use super::*;

#[test]
fn pieces_are_read_as_they_were_written() {
    let mut out = Vec::new();
    let lines = begin(&mut out, Kind::Lines, 3, 1 << 40);
    out.extend_from_slice(b"{}\n");
    assert_eq!(end(&mut out, lines), 3);
    let empty = begin(&mut out, Kind::Lines, 3, 0);
    assert_eq!(end(&mut out, empty), 0);
    let rejected = begin(&mut out, Kind::Rejected, 3, 7);
    Rejected { bytes: 9, reason: "too long", raw: b"abc" }.write(&mut out);
    end(&mut out, rejected);
    let last = begin(&mut out, Kind::End, 3, 16);
    end(&mut out, last);

    let first = Frame::read(&out, 0).unwrap();
    assert_eq!((first.kind, first.file, first.at), (Kind::Lines, 3, 1 << 40));
    assert_eq!(&out[first.body.clone()], b"{}\n");
    let second = Frame::read(&out, first.body.end).unwrap();
    let found = Rejected::read(&out[second.body.clone()]).unwrap();
    assert_eq!(found, Rejected { bytes: 9, reason: "too long", raw: b"abc" });
    let third = Frame::read(&out, second.body.end).unwrap();
    assert_eq!((third.kind, third.at, third.body.end), (Kind::End, 16, out.len()));
    for cut in third.body.end - HEADER..out.len() {
        assert_eq!(Frame::read(&out[..cut], second.body.end), None);
    }
    out[0] = 9;
    assert_eq!(Frame::read(&out, 0), None);
}

#[test]
fn of_a_long_line_the_beginning_is_kept() {
    let mut out = Vec::new();
    let raw = vec![b'x'; KEPT + 5];
    Rejected { bytes: 1, reason: "", raw: &raw }.write(&mut out);
    assert_eq!(Rejected::read(&out).unwrap().raw.len(), KEPT);
}
