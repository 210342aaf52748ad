//! The list of all cases, and its expansion to tests.

/// Expands to one `#[test]` per case of the suite of contents, in one module per topic, for the backend that the expression
/// gives. The expression is evaluated once per test.
#[macro_export]
macro_rules! data_conformance {
    ($backend:expr) => {
        $crate::data_conformance_cases! {
            $backend;
            contents: [
                contents_are_read_back,
                pieces_may_have_any_size,
                unknown_contents_are_absent,
                a_deletion_can_be_repeated,
                a_taken_id_is_a_conflict,
                one_of_many_takes_an_id,
                contents_do_not_mix,
                a_copy_stands_alone,
                a_reader_keeps_what_it_began,
                contents_outlive_the_store,
                what_is_not_offered_is_refused_by_name,
                a_shared_store_has_one_mark,
            ],
            failures: [
                a_broken_stream_leaves_nothing,
                what_is_given_up_leaves_nothing,
                other_sizes_are_refused,
                other_checksums_are_refused,
                a_limit_ends_an_endless_stream,
            ],
            listing: [
                every_content_is_listed_once,
                a_list_goes_on_behind_what_is_gone,
                unfinished_ones_are_not_listed,
            ],
            quota: [
                a_full_store_takes_no_more,
                uploads_count,
                no_two_exceed_it_together,
            ],
            ranges: [
                ranges_are_cut_exactly,
                ranges_outside_are_refused,
            ],
            uploads: [
                an_upload_goes_on_where_it_ended,
                an_offset_must_be_the_end,
                what_came_before_a_break_is_kept,
                a_refusal_changes_nothing,
                finishing_can_be_repeated,
                aborting_can_be_repeated,
                one_writes_at_a_time,
                an_upload_has_a_limit,
                an_upload_needs_a_free_id,
                unused_uploads_expire,
                uploads_outlive_the_store,
            ],
        }
    };
}

/// One module per topic, one test per case; used by [`data_conformance!`](crate::data_conformance!).
#[doc(hidden)]
#[macro_export]
macro_rules! data_conformance_cases {
    ($backend:expr; $($topic:ident: [$($case:ident,)*],)*) => {
        $(
            mod $topic {
                // The expression speaks the language of the file that holds the macro's call.
                #[allow(unused_imports)]
                use super::*;

                $(
                    #[test]
                    fn $case() {
                        $crate::data::run($backend, $crate::data::cases::$topic::$case);
                    }
                )*
            }
        )*
    };
}
