//! The list of all cases, and its expansion to tests.

/// Expands to one `#[test]` per case of the suite of moving, for the backend that the expression gives. The expression is
/// evaluated once per test.
#[macro_export]
macro_rules! transfer_conformance {
    ($backend:expr) => {
        $crate::transfer_conformance_cases! {
            $backend;
            everything_moves,
            large_things_move,
            ten_thousand_children_move,
            records_have_json,
            a_dump_is_of_one_moment,
            what_has_had_its_time_stays_behind,
            a_taken_key_leaves_nothing,
            a_gap_in_the_log_is_refused,
            other_types_are_refused,
            what_was_broken_off_goes_on,
            a_store_that_holds_something_is_not_filled,
        }
    };
}

/// One test per case; used by [`transfer_conformance!`](crate::transfer_conformance!).
#[doc(hidden)]
#[macro_export]
macro_rules! transfer_conformance_cases {
    ($backend:expr; $($case:ident,)*) => {
        mod transfer {
            // The expression speaks the language of the file that holds the macro's call.
            #[allow(unused_imports)]
            use super::*;

            $(
                #[test]
                fn $case() {
                    $crate::transfer::run($backend, $crate::transfer::cases::$case);
                }
            )*
        }
    };
}
