//! Headers of pages.

use parquet::basic::Encoding;

use crate::bits::zigzag;

/// What a header says of a page.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Page {
    /// Rows.
    Data { values: i32, encoding: Encoding },
    /// The values that pages of rows refer to.
    Dictionary { entries: i32 },
}

/// The types of Thrift's compact protocol that occur here.
const BOOLEAN_FALSE: u8 = 2;
const INT: u8 = 5;
const STRUCT: u8 = 12;
const STOP: u8 = 0;

/// Appends the header of a page that has `plain` bytes, and `stored` bytes as it is stored.
///
/// Source: <https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift>,
/// `PageHeader`.
pub(crate) fn header(page: &Page, plain: i32, stored: i32, out: &mut Vec<u8>) {
    let mut fields = Fields { out, last: 0 };
    match page {
        Page::Data { values, encoding } => {
            fields.int(1, 0);
            fields.int(2, plain);
            fields.int(3, stored);
            let mut data = fields.inner(5);
            data.int(1, *values);
            data.int(2, number(*encoding));
            data.int(3, number(Encoding::RLE));
            data.int(4, number(Encoding::RLE));
            data.end();
        }
        Page::Dictionary { entries } => {
            fields.int(1, 2);
            fields.int(2, plain);
            fields.int(3, stored);
            let mut dictionary = fields.inner(7);
            dictionary.int(1, *entries);
            dictionary.int(2, number(Encoding::PLAIN));
            // Not sorted.
            dictionary.field(3, BOOLEAN_FALSE);
            dictionary.end();
        }
    }
    fields.end();
}

/// The number that the format gives an encoding.
fn number(encoding: Encoding) -> i32 {
    encoding as i32
}

/// Fields of a structure, by ascending numbers.
struct Fields<'a> {
    out: &'a mut Vec<u8>,
    last: u8,
}

impl Fields<'_> {
    fn field(&mut self, number: u8, kind: u8) {
        self.out.push((number - self.last) << 4 | kind);
        self.last = number;
    }

    fn int(&mut self, number: u8, value: i32) {
        self.field(number, INT);
        zigzag(value.into(), self.out);
    }

    fn inner(&mut self, number: u8) -> Fields<'_> {
        self.field(number, STRUCT);
        Fields { out: self.out, last: 0 }
    }

    fn end(self) {
        self.out.push(STOP);
    }
}

#[cfg(test)]
mod tests;
