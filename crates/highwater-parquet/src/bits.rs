//! Numbers in few bits.

/// Values of a group that is packed at once; it takes as many bytes as a value has bits.
const GROUP: usize = 8;

/// Groups of one stretch, as many as a header of one byte can tell.
const GROUPS: u8 = 63;

/// Equal values that are worth a run.
const RUN: usize = 16;

/// The bits that it takes to write `greatest`.
pub(crate) fn width(greatest: u64) -> u32 {
    u64::BITS - greatest.leading_zeros()
}

/// Appends `value`, seven bits to a byte, the lowest first.
pub(crate) fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(low(value) | 0x80);
        value >>= 7;
    }
    out.push(low(value));
}

/// Appends `value`, small where it is close to zero.
pub(crate) fn zigzag(value: i64, out: &mut Vec<u8>) {
    varint(((value << 1) ^ (value >> 63)).cast_unsigned(), out);
}

fn low(value: u64) -> u8 {
    let [low, ..] = value.to_le_bytes();
    low
}

/// Appends `values` in `width` bits each, the lowest bits first, and zeros up to a whole byte.
pub(crate) fn pack(values: &[u64], width: u32, out: &mut Vec<u8>) {
    let (mut bits, mut filled) = (0_u64, 0_u32);
    for value in values {
        bits |= value << filled;
        filled += width;
        if filled >= u64::BITS {
            out.extend_from_slice(&bits.to_le_bytes());
            filled -= u64::BITS;
            bits = value.checked_shr(width - filled).unwrap_or(0);
        }
    }
    let bytes = filled.div_ceil(u8::BITS) as usize;
    out.extend_from_slice(bits.to_le_bytes().get(..bytes).unwrap_or_default());
}

/// Appends `values` of `width` bits as runs of equal ones and as packed groups.
///
/// Source: <https://parquet.apache.org/docs/file-format/data-pages/encodings/#run-length-encoding--bit-packing-hybrid-rle--3>
pub(crate) fn hybrid(values: &[u32], width: u32, out: &mut Vec<u8>) {
    let mut stretch = Stretch { out, width, header: 0, groups: 0 };
    let mut rest = values;
    while let Some((group, behind)) = rest.split_first_chunk::<GROUP>() {
        let [first, others @ ..] = group;
        let more = match others.iter().all(|value| value == first) {
            true => behind.iter().take_while(|value| *value == first).count(),
            false => 0,
        };
        if GROUP + more >= RUN {
            stretch.end();
            run(GROUP + more, *first, width, stretch.out);
            rest = behind.get(more..).unwrap_or_default();
        } else {
            stretch.push(group);
            rest = behind;
        }
    }
    if !rest.is_empty() {
        let mut group = [0; GROUP];
        for (slot, value) in group.iter_mut().zip(rest) {
            *slot = *value;
        }
        stretch.push(&group);
    }
    stretch.end();
}

/// Appends `count` times `value` as a run.
pub(crate) fn run(count: usize, value: u32, width: u32, out: &mut Vec<u8>) {
    varint((count as u64) << 1, out);
    let bytes = width.div_ceil(u8::BITS) as usize;
    out.extend_from_slice(value.to_le_bytes().get(..bytes).unwrap_or_default());
}

/// Appends bits, of which the last byte may have some more, as packed groups.
pub(crate) fn packed_bits(bits: &[u8], out: &mut Vec<u8>) {
    for stretch in bits.chunks(usize::from(GROUPS)) {
        varint(((stretch.len() as u64) << 1) | 1, out);
        out.extend_from_slice(stretch);
    }
}

/// Packed groups one after the other, below one header.
struct Stretch<'a> {
    out: &'a mut Vec<u8>,
    width: u32,
    header: usize,
    groups: u8,
}

impl Stretch<'_> {
    fn push(&mut self, group: &[u32; GROUP]) {
        if self.groups == GROUPS {
            self.end();
        }
        if self.groups == 0 {
            self.header = self.out.len();
            self.out.push(0);
        }
        self.groups += 1;
        let [a, b, c, d, e, f, g, h] = group.map(u64::from);
        let width = self.width;
        if width <= 16 {
            let four = |a, b, c, d| a | b << width | c << (2 * width) | d << (3 * width);
            let (first, second): (u64, u64) = (four(a, b, c, d), four(e, f, g, h));
            let all = u128::from(first) | u128::from(second) << (4 * width);
            let bytes = all.to_le_bytes();
            self.out.extend_from_slice(bytes.get(..width as usize).unwrap_or_default());
        } else {
            pack(&[a, b, c, d, e, f, g, h], width, self.out);
        }
    }

    fn end(&mut self) {
        if let (1.., Some(header)) = (self.groups, self.out.get_mut(self.header)) {
            *header = self.groups << 1 | 1;
        }
        self.groups = 0;
    }
}

#[cfg(test)]
pub(crate) mod tests;
