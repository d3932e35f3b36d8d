//! What is written in memory is all there, in pieces of one size.

use super::*;

#[test]
fn pieces_follow_each_other_and_none_grows_beyond_its_size() {
    for lengths in [&[][..], &[0, 1], &[PIECE], &[PIECE - 1, 2], &[2 * PIECE + 1, PIECE]] {
        let mut draft = Draft::Memory(Pieces::default());
        let mut expected = Vec::new();
        for length in lengths {
            let bytes: Vec<u8> = (0..*length).map(|at| u8::try_from(at % 251).unwrap()).collect();
            draft.write_all(&bytes).unwrap();
            expected.extend(bytes);
        }
        let written = draft.end().unwrap();
        assert_eq!(written.length(), expected.len() as u64);
        let pieces: Vec<_> = written.pieces(1).map(Result::unwrap).collect();
        let (last, full) = pieces.split_last().unwrap();
        assert!(full.iter().all(|piece| piece.len() == PIECE) && last.len() <= PIECE);
        assert!(pieces.concat() == expected, "{lengths:?}");
    }
}
