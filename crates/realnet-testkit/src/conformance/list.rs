//! The list of all cases, and its expansion to tests.

/// Expands to one `#[test]` per case of the suite, in one module per topic, for the backend that the expression
/// gives. The expression is evaluated once per test.
///
/// Each test only calls [`run`](crate::conformance::run) with the case, so that the cases themselves are ordinary
/// functions, to be found in [`cases`](crate::conformance::cases).
#[macro_export]
macro_rules! conformance {
    ($backend:expr) => {
        $crate::conformance_cases! {
            $backend;
            aggregates: [
                groups_come_in_order,
                every_kind_is_reckoned_with,
                sums_are_exact,
                values_keep_apart,
                constants_are_reckoned_with,
                properties_are_reckoned_with,
                references_lead_further,
                filters_hold,
                only_readable_items_count,
                secrets_are_not_reckoned_with,
                too_many_groups_are_refused,
                too_many_digits_are_refused,
            ],
            batch: [
                later_operations_see_earlier_ones,
                a_whole_life_in_one_set,
                a_failing_operation_leaves_nothing,
                an_empty_set_does_nothing,
                a_set_may_span_orgs,
                a_large_set_is_applied,
                a_set_that_is_only_tried_leaves_nothing,
            ],
            changelog: [
                each_change_has_its_record,
                changes_know_their_origin,
                a_span_of_the_log_is_read_backwards,
                revisions_are_consecutive_per_org,
                order_holds_under_concurrency,
                the_history_of_an_item,
                the_history_of_an_id_that_came_back,
            ],
            contents: [
                a_content_is_kept_with_its_item,
                contents_in_use_are_told,
                a_content_has_one_item,
            ],
            credentials: [
                a_password_raises_the_epoch,
                a_hash_is_replaced_by_who_knows_it,
                a_session_ends,
                a_refresh_token_rotates,
                one_rotation_wins,
                a_deleted_account_can_not_come_back,
                a_failed_set_keeps_the_password,
                a_setting_has_one_value,
                a_setting_is_replaced_by_who_knows_it,
            ],
            crud: [
                every_property_is_read_back,
                absent_properties_stay_absent,
                an_update_raises_the_version,
                every_property_can_be_changed,
                an_edit_can_not_change_identity,
                an_edit_without_effect_is_no_change,
                a_deleted_item_is_gone,
                many_items_are_read_at_once,
                a_taken_id_is_a_conflict,
                absent_items_are_not_found,
                abstract_types_have_no_items,
                an_open_store_is_healthy,
            ],
            durability: [
                everything_outlives_the_store,
            ],
            events: [
                an_event_is_kept,
                newest_come_first,
                filters_and_orgs_hold,
                events_outlive_accounts,
                events_go_after_their_time,
            ],
            filters: [
                operators_on_plain_fields,
                operators_on_indexed_fields,
                operators_on_undeclared_attributes,
                operators_on_lists,
                operators_through_references,
                operators_on_paths,
                groups_are_nested,
                the_meaning_of_comparisons,
            ],
            geography: [
                near_is_along_the_great_circle,
                within_is_wholly_inside,
                places_move,
                pages_of_places_are_full,
            ],
            grants: [
                grants_on_types_and_instances,
                grants_on_items,
                grants_lead_into_no_other_org,
                owners_and_administrators,
                each_permission_allows_its_own,
                one_shares_what_one_holds,
                what_opens_an_item_needs_share,
                grants_are_merged,
                creating_needs_a_grant,
                an_org_sets_grants_on_types,
                a_commit_asks_again,
                a_revoked_grant_is_gone_at_once,
            ],
            idempotency: [
                a_key_works_once,
                keys_of_others_do_not_clash,
                an_expired_key_is_free,
                concurrent_repeats_act_once,
            ],
            indexes: [
                a_field_becomes_indexed_and_back,
                a_later_index_filters_along_an_earlier_one,
                a_field_becomes_unique,
                fields_become_unique_together,
                an_index_is_built_behind,
            ],
            inheritance: [
                derived_types_are_found,
                types_and_instances_are_filters,
                constants_are_filtered,
                constants_are_sorted,
                constants_are_searched,
                fields_of_derived_types,
            ],
            inherited: [
                grants_pass_down,
                what_does_not_inherit_is_an_end,
                moved_items_inherit_where_they_stand,
                moving_lets_nobody_decide,
                one_shares_what_one_inherits,
                restricted_items_inherit_nothing,
                a_set_sees_what_it_has_passed_down,
                what_is_passed_down_is_logged,
                what_is_passed_down_is_whole_now_and_then,
                more_than_a_bound_is_inherited_where_nothing_is_given,
                passing_down_has_a_limit,
                taking_away_has_no_limit,
                taking_away_from_large_items_is_done_in_parts,
                a_type_begins_and_ceases_to_inherit,
                a_type_with_many_items_turns,
                what_comes_at_the_same_moment_is_not_missed,
            ],
            limits: [
                a_bucket_gives_what_it_holds,
                no_more_than_the_rate_allows,
                tokens_come_back,
                tokens_are_given_back,
            ],
            paging: [
                pages_are_full_under_access_control,
                totals_are_exact,
                offsets_skip_matches,
                the_last_page_says_so,
                a_cursor_outlives_its_item,
                cursors_are_stable_under_writes,
            ],
            random: [
                every_list_is_what_the_rules_say,
            ],
            records: [
                a_record_is_kept,
                what_is_no_record_is_refused,
                what_is_expected_must_be_there,
                a_record_ends,
                one_taker_wins,
                one_change_wins,
                records_have_owners,
                records_of_an_org_come_in_pages,
            ],
            references: [
                references_lead_to_readable_items,
                an_old_reference_is_not_asked_again,
                restrict_refuses,
                clear_removes_the_reference,
                cascade_deletes_the_referrer,
                restrict_below_a_cascade_stops_all,
                circles_are_deleted,
                no_reference_to_a_target_that_goes,
            ],
            scopes: [
                a_key_sees_what_its_scope_leaves,
                a_key_does_what_its_scope_leaves,
            ],
            search: [
                all_words_must_occur,
                words_are_folded,
                the_text_is_current,
                only_readable_text_is_found,
                many_matches_are_all_listed,
                secrets_are_not_searched,
            ],
            sessions: [
                everything_of_a_session_is_kept,
                an_account_has_its_sessions,
                all_others_are_ended,
            ],
            sizes: [
                changes_of_many_bytes_are_refused_together,
                change_sets_find_room_or_are_refused,
                deletions_find_room_or_are_refused,
                a_megabyte_of_attributes,
                a_page_is_bounded_in_bytes,
                many_reads_are_bounded_in_bytes,
                the_change_log_is_read_in_bounded_pages,
                ten_thousand_children,
                sixty_four_levels,
                a_deletion_has_a_limit,
                large_referrers_are_no_burden,
            ],
            sort: [
                by_every_property,
                by_every_kind_of_field,
                by_several_terms,
                nulls_last_and_ties_by_id,
            ],
            sources: [
                sources_are_kept_per_object,
            ],
            tree: [
                a_parent_must_be_writable,
                cycles_are_refused,
                concurrent_moves_make_no_cycle,
                no_orphan_below_a_parent_that_goes,
                depth_is_bounded,
                a_moved_tree_stays_shallow,
                children_and_descendants_are_found,
                a_parent_takes_its_descendants_along,
            ],
            types: [
                definitions_are_read_back,
                layers_have_owners,
                stale_types_are_a_conflict,
                stale_writers_come_again,
                concurrent_type_changes_do_not_get_lost,
                changes_are_signalled,
                a_type_in_use_stays,
                types_and_items_change_together,
                words_follow_their_field,
                what_was_written_meanwhile_is_looked_at,
                constants_are_live,
                an_org_keeps_the_names_of_its_types,
                an_org_has_bounds,
                what_was_protected_stays_noted,
            ],
            unicode: [
                text_is_kept,
                text_sorts_by_code_point,
                patterns_fold_case,
            ],
            unique: [
                a_value_is_taken_once,
                other_types_and_orgs_are_apart,
                nulls_are_free,
                changes_free_values,
                a_value_moves_within_a_set,
                one_taker_wins,
                values_are_unique_together,
            ],
            values: [
                extreme_numbers_are_exact,
                hostile_texts_are_only_texts,
                undeclared_values_keep_their_type,
                json_is_kept,
                long_texts_are_indexed,
            ],
            versions: [
                another_version_fails_the_precondition,
                another_life_fails_the_precondition,
                one_writer_wins_a_version,
                no_increment_is_lost,
                one_deletion_wins,
                sealing_anew_is_not_seen,
                sealing_anew_loses_no_write,
            ],
            visibility: [
                hidden_items_are_asked_for,
                restricted_items_ignore_the_type,
                validity_is_a_half_open_span,
                tags_are_all_asked_for,
                properties_are_filters,
            ],
        }
    };
}

/// One module per topic, one test per case; used by [`conformance!`](crate::conformance!).
#[doc(hidden)]
#[macro_export]
macro_rules! conformance_cases {
    ($backend:expr; $($topic:ident: [$($case:ident,)*],)*) => {
        $(
            mod $topic {
                // The expression speaks the language of the file that holds the macro's call.
                #[allow(unused_imports)]
                use super::*;

                $(
                    #[test]
                    fn $case() {
                        $crate::conformance::run($backend, $crate::conformance::cases::$topic::$case);
                    }
                )*
            }
        )*
    };
}
