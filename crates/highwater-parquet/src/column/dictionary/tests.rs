//! How many bits the numbers of a page take.

use super::Dictionary;

#[test]
fn numbers_take_the_bits_of_the_greatest_and_no_more() {
    for (entries, bits) in [(1_u32, 0), (2, 1), (3, 2), (4, 2), (5, 3), (256, 8), (257, 9)] {
        let mut dictionary = Dictionary::new(true);
        for value in 0..entries {
            let (number, new) = dictionary.entries.number(value.into(), |_| true);
            assert!(new);
            dictionary.numbers.push(number);
        }
        let mut page = Vec::new();
        dictionary.finish(&mut page);
        assert_eq!(page[0], bits, "{entries} entries");
    }
}
