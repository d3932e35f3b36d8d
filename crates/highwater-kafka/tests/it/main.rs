//! The source against brokers: one within the process, and a real one where there is one.
//!
//! What brokers, networks and records do to a reader, and the tests that show what comes of it:
//!
//! | what | tests |
//! |---|---|
//! | a leader moves, brokers restart | `leaders_that_move_are_followed`, `brokers_that_restart_are_waited_for`, `connections_that_break_within_an_answer_are_made_anew` |
//! | all brokers stay away | `a_silent_broker_is_given_up_after_its_deadline`: `Transient`, and the driver begins another life |
//! | retention ran ahead | `retention_that_ran_ahead_is_refused`, `a_gap_that_may_be_skipped_is_recorded_with_the_records_behind_it`, `records_that_go_between_plan_and_read_are_noticed` |
//! | the end lies before the position | `a_truncated_partition_is_refused` |
//! | the end lay before the position, and has grown again | `a_truncated_partition_that_has_grown_again_is_refused`, `a_truncation_between_plan_and_read_is_refused`, `leaders_that_change_without_loss_are_asked_once`; brokers before 2.3 cannot tell |
//! | a topic is gone, or made anew | `a_topic_made_anew_is_refused_by_its_id`, `a_topic_made_anew_while_it_is_read_does_not_answer_for_its_predecessor`, `a_topic_that_is_gone_is_lost_data`, `a_topic_that_was_let_go_is_recorded_once` |
//! | partitions or topics are added | `a_partition_that_is_added_begins_at_its_first_record_wherever_others_began`, `a_topic_that_appears_is_read_from_its_first_record` |
//! | fewer partitions than before | `a_partition_that_is_gone_is_refused` |
//! | aborted and open transactions | `any_log_in_any_cuts_gives_the_committed_records`, `read_uncommitted_reads_what_was_aborted_and_what_is_open`, `a_transaction_that_hangs_is_no_loss` |
//! | markers or compaction at the end of a range | `a_range_whose_tail_was_compacted_away_ends`, `any_log_in_any_cuts_gives_the_committed_records` |
//! | compaction gaps, empty batches | `any_log_in_any_cuts_gives_the_committed_records` |
//! | a checksum that does not match | `one_wrong_byte_is_noticed`, `a_damaged_answer_is_asked_for_again`, `damage_that_stays_is_asked_for_once_more_and_then_named` |
//! | null or repeated headers, keys that are no text, null keys and values | `a_header_key_that_is_no_text_shows_as_such`, `null_keys_values_and_headers_are_stepped_over`, `every_row_has_what_is_known_of_its_own_record`, `headers_are_a_list_in_their_order` |
//! | a batch larger than a fetch, a record larger than allowed | `any_log_in_any_cuts_gives_the_committed_records`, `a_batch_that_unpacks_to_too_much_is_refused` |
//! | a bomb | `a_batch_that_unpacks_to_too_much_is_refused` |
//! | an unknown compression or message format | `an_unknown_compression_is_refused_with_its_offset`, `old_message_formats_are_refused_by_name` |
//! | timestamps that are none | `a_timestamp_out_of_range_is_no_timestamp`, `the_time_of_a_rejected_record_is_that_of_the_topic` |
//! | throttling, quotas | `a_broker_that_throttles_is_obeyed`, `a_pause_holds_for_a_broker_until_the_last_one_is_over`, `the_next_plan_tells_how_long_brokers_asked_to_be_left_alone` |
//! | wrong passwords, rights taken away | `a_wrong_password_ends_at_once`, `a_password_that_was_changed_ends_a_read_at_once`, `a_right_to_read_that_was_taken_away_ends_at_once` |
//! | no such host, a silent connection | `a_host_that_is_not_known_passes_by_itself`, `an_unreachable_cluster_is_named_at_once`, `a_silent_broker_is_given_up_after_its_deadline`, `a_silent_broker_ends_a_plan_and_a_first_look_too`, `a_connection_that_leads_nowhere_ends_after_its_deadline` |
//! | a producer that sends twice | `a_record_that_was_sent_twice_is_two_rows_at_their_offsets` |
#![cfg(test)]

mod codecs;
mod faults;
mod groups;
mod hostile;
mod interleaving;
mod loss;
mod metadata;
mod patterns;
mod plans;
mod reading;
mod real;
mod security;
