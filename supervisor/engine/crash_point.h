/* crash_point: places at which test builds kill the supervisor with KILL, to prove that it may die anywhere.
 *
 * In a normal build a point is nothing at all. In the test build (BERTH_CRASH_POINTS) the variable
 * BERTH_CRASH_AT names a point, or "POINT:N" for its Nth passing. Only one supervisor under a keeper dies
 * there, so that its successor can go on: the first, or with "POINT:N:S" the one that was started after S
 * others, or with "POINT:N:S:M" M of them in a row. With BERTH_CRASH_STOPS it does not die there but stops
 * for ever: it hangs. */
#ifndef BERTH_ENGINE_CRASH_POINT_H
#define BERTH_ENGINE_CRASH_POINT_H

/* Every point there is; a test walks this list. */
#define CRASH_POINTS(X)                                                                                      \
    X(keeper_put_before)                                                                                     \
    X(keeper_put_after)                                                                                      \
    X(keeper_drop_before)                                                                                    \
    X(keeper_drop_after)                                                                                     \
    X(keeper_process_before)                                                                                 \
    X(keeper_process_after)                                                                                  \
    X(keeper_stable_before)                                                                                  \
    X(keeper_stable_after)                                                                                   \
    X(keeper_finish_before)                                                                                  \
    X(keeper_finish_after)                                                                                   \
    X(keeper_entry_received)                                                                                 \
    X(keeper_end_received)                                                                                   \
    X(keeper_signal_received)                                                                                \
    X(state_created)                                                                                         \
    X(state_write_before)                                                                                    \
    X(state_write_after)                                                                                     \
    X(socket_opened)                                                                                         \
    X(socket_held)                                                                                           \
    X(channel_held)                                                                                          \
    X(channel_message_read)                                                                                  \
    X(notify_held)                                                                                           \
    X(notify_message_read)                                                                                   \
    X(ready_fd_held)                                                                                         \
    X(ready_fd_read)                                                                                         \
    X(stored)                                                                                                \
    X(store_passed)                                                                                          \
    X(share_held)                                                                                            \
    X(output_held)                                                                                           \
    X(output_intent)                                                                                         \
    X(output_read)                                                                                           \
    X(output_written)                                                                                        \
    X(spawn_before)                                                                                          \
    X(spawn_after)                                                                                           \
    X(signal_before)                                                                                         \
    X(signal_after)                                                                                          \
    X(kill_before)                                                                                           \
    X(kill_after)                                                                                            \
    X(step_recorded)                                                                                         \
    X(end_decided)                                                                                           \
    X(end_recorded)                                                                                          \
    X(shutdown_recorded)                                                                                     \
    X(shutdown_socket_closed)                                                                                \
    X(update_before)                                                                                         \
    X(update_committed)                                                                                      \
    X(update_exchanged)                                                                                      \
    X(update_sockets_done)                                                                                   \
    X(task_before)                                                                                           \
    X(task_after)                                                                                            \
    X(task_end_recorded)                                                                                     \
    X(rolling_begun)                                                                                         \
    X(rolling_before)                                                                                        \
    X(rolling_retired)                                                                                       \
    X(rolling_promoted)                                                                                      \
    X(rolling_concluded)                                                                                     \
    X(standby_recorded)                                                                                      \
    X(standby_sent)                                                                                          \
    X(upgrade_before)                                                                                        \
    X(upgrade_recorded)                                                                                      \
    X(upgrade_told)                                                                                          \
    X(upgrade_concluded)                                                                                     \
    X(take_over_begun)                                                                                       \
    X(take_over_kept)                                                                                        \
    X(take_over_has_all)                                                                                     \
    X(take_over_ready)                                                                                       \
    X(take_over_committed)                                                                                   \
    X(take_over_renamed)                                                                                     \
    X(hand_over_begun)                                                                                       \
    X(hand_over_sent)                                                                                        \
    X(hand_over_recorded)                                                                                    \
    X(hand_over_answered)                                                                                    \
    X(socket_retired)                                                                                        \
    X(reconcile_done)

#define X(name) CRASH_AT_##name,
enum crash_point { CRASH_POINTS(X) CRASH_POINT_COUNT };
#undef X

#ifdef BERTH_CRASH_POINTS
/* Is this the supervisor that dies? Told once, at its start. */
void crash_point_arm(unsigned starts);
void crash_point(enum crash_point point);
#else
static inline void crash_point_arm(unsigned starts)
{
    (void)starts;
}
static inline void crash_point(enum crash_point point)
{
    (void)point;
}
#endif

/* Prints the names of the points, a line each, if this build has them. 0, or -ENOTSUP. */
int crash_point_list(void);

#endif
