/*
 * `mw serve --replay`: a scenario runs in simulated time behind the same faces
 * as a live site.
 */
#ifndef MW_CLI_SERVE_REPLAY_H
#define MW_CLI_SERVE_REPLAY_H

#include "cli/context.h"

/* 3 hours a second: a year in 49 minutes.  With scenarios/stepfun.yaml the first fault is seen on
 * day 3.9 and its job runs again 15 minutes later: 31 s after the start. */
#define SERVE_REPLAY_SPEED "10800"

/* Rows of the options of `mw serve` that are for a replay. */
#define SERVE_REPLAY_OPTIONS                                                                     \
    { .name = "replay", .type = VALUE_FILE, .value = "SCENARIO",                                 \
      .help = "no live site: run this scenario in simulated time, paced and commanded from the " \
              "console or the API" },                                                            \
    { .name = "speed", .type = VALUE_DECIMAL, .value = "X", .fallback = SERVE_REPLAY_SPEED,      \
      .help = "with --replay: simulated seconds a second, 0 = as fast as it goes" },             \
    { .name = "paused", .help = "with --replay: begin paused" },                                 \
    { .name = "seed", .type = VALUE_U64, .value = "S",                                           \
      .help = "with --replay: instead of the scenario's seed" },                                 \
    { .name = "agent", .type = VALUE_FILE, .value = "PROGRAM",                                   \
      .help = "with --replay: also start this mw-agent, so that this machine is seen beside the " \
              "replayed site, with real readings" },                                             \
    { .name = "set", .type = VALUE_STRING, .value = "KEY=VALUE", .repeat = true,                 \
      .help = "with --replay: change a value of the scenario, by its dotted key" }

/* Runs until it is told to end; gives the exit code. */
int serve_replay(struct cli_context *ctx);

#endif
