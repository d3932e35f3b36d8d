//! Headers are those that the parquet crate writes.

use bytes::Bytes;
use parquet::basic::Encoding;
use parquet::column::page::{CompressedPage, Page as Other, PageWriter};
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};

use super::{Page, header};

fn expected(page: Other, plain: usize) -> Vec<u8> {
    let mut out = TrackedWrite::new(Vec::new());
    let stored = page.buffer().len();
    SerializedPageWriter::new(&mut out).write_page(CompressedPage::new(page, plain)).unwrap();
    let mut bytes = out.into_inner().unwrap();
    bytes.truncate(bytes.len() - stored);
    bytes
}

#[test]
fn data_pages() {
    let encodings = [
        Encoding::PLAIN,
        Encoding::RLE_DICTIONARY,
        Encoding::DELTA_BINARY_PACKED,
        Encoding::DELTA_LENGTH_BYTE_ARRAY,
        Encoding::DELTA_BYTE_ARRAY,
    ];
    for encoding in encodings {
        for (values, plain, stored) in [(1, 0, 0), (20_000, 1_048_577, 70_000), (5, 300, 12)] {
            let page = Other::DataPage {
                buf: Bytes::from(vec![0; stored]),
                num_values: values,
                encoding,
                def_level_encoding: Encoding::RLE,
                rep_level_encoding: Encoding::RLE,
                statistics: None,
            };
            let expected = expected(page, plain);
            let kind = Page::Data { values: i32::try_from(values).unwrap(), encoding };
            let (plain, stored) = (i32::try_from(plain), i32::try_from(stored));
            let mut out = Vec::new();
            header(&kind, plain.unwrap(), stored.unwrap(), &mut out);
            assert_eq!(out, expected, "{encoding} {values}");
        }
    }
}

#[test]
fn dictionaries() {
    let page = Other::DictionaryPage {
        buf: Bytes::from(vec![0; 99]),
        num_values: 9_000,
        encoding: Encoding::PLAIN,
        is_sorted: false,
    };
    let mut out = Vec::new();
    header(&Page::Dictionary { entries: 9_000 }, 99_000, 99, &mut out);
    assert_eq!(out, expected(page, 99_000));
}
