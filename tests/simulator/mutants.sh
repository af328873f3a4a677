#!/bin/bash
# Takes out fixes that the simulator does not run: each is a feature that only a build of its crate's tests has. The build has to
# succeed, a test of what nothing is done to has to pass, and the named test has to fail by its assertion; anything else is an error.
set -uo pipefail
cd "$(dirname "$0")/../.."
missed=0

# try NAME PACKAGE FEATURE UNDISTURBED TEST ASSERTION
try() {
    local name=$1 package=$2 feature=$3 undisturbed=$4 test=$5 assertion=$6
    local tests=(cargo test --quiet --locked --package "$package" --lib --features "$package/$feature" -- --exact)
    local said found
    if ! said=$(BEAMLINE_MUTANT=$name "${tests[@]}" "$undisturbed" 2>&1) || ! grep -q '1 passed' <<<"$said"; then
        found="MISSED, it does not build, or is not what it should be without faults: $(tail -3 <<<"$said")"
    elif said=$(BEAMLINE_MUTANT=$name "${tests[@]}" "$test" 2>&1); then
        found="MISSED, $test passes"
    elif found=$(grep -m 1 -- "$assertion" <<<"$said"); then
        echo "$name: found by $test: $found"
        return
    else
        found="MISSED, not as expected: $(tail -3 <<<"$said")"
    fi
    echo "$name: $found"
    missed=1
}

try place-while-receiving source mutant \
    http::slow::the_end_does_not_wait_for_whoever_stays http::slow::a_good_client_is_served_beside_slow_bodies 'HTTP/1.1 429'
try rows-bounded-alone writer mutant \
    drive::tests::nothing_is_written_before_the_group_confirms \
    drive::tests::a_store_that_is_away_bounds_the_bytes_that_are_held_and_gets_every_row_when_it_is_back 'bytes were held\|the feed was not paused'
try panic-unnoticed kafka mutants \
    messages::probe::tests::comes_back_as_it_was_sent runtime::crew::tests::a_panic_of_a_later_worker_ends_all_at_once 'noticed after'
exit $missed
