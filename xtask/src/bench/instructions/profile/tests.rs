//! Files as callgrind writes them.

use super::*;

const RUN: &str = "\
# callgrind format
version: 1
cmd:  ledger --from generator:rows=1
positions: line
events: Ir
summary: 230

ob=(1) ledger
fl=(1) ???
fn=(7) main
0 20
cfn=(9) <highwater_codec::json::Json as core::fmt::Debug>::fmt
calls=2 0
0 150
* 10

fn=(9)
0 100
+1 30
cob=(2) libc.so.6
cfi=(2) memcpy.S
cfn=(11) memcpy
calls=3 +4
* 45

fn=(11)
5 40
-2 5
fi=(3) other.h
+1
fe=(2)
cfn=(9)
calls=1 0
6 25

fn=(13) exit
3 25
totals: 230
";

#[test]
fn costs_are_those_of_the_function_that_executed_them() {
    let profile = Profile::read(RUN).unwrap();
    let codec = "<highwater_codec::json::Json as core::fmt::Debug>::fmt";
    let own: Vec<_> = profile.own().collect();
    assert_eq!(own, [("main", 30), (codec, 130), ("memcpy", 45), ("exit", 25)]);
    let calls: Vec<_> = profile.calls().collect();
    assert_eq!(calls, [("main", codec, 2), (codec, "memcpy", 3), ("memcpy", codec, 1)]);
    assert_eq!(profile.within(codec), Some(175));
    assert_eq!(profile.within("main"), None);
}

#[test]
fn a_file_that_does_not_add_up_is_refused() {
    let wrong = RUN.replace("totals: 230", "totals: 231");
    let told = Profile::read(&wrong).unwrap_err().to_string();
    assert_eq!(told, "the functions add up to 230, the total is Some(231)");
    let cut = RUN.replace("totals: 230\n", "");
    assert!(Profile::read(&cut).is_err());
    let other = Profile::read("fn=main\n").unwrap_err();
    assert_eq!(format!("{other:#}"), "line 1: fn=main: a function without a number");
}
