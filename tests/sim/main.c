/* sim: runs seeds of the deterministic simulation; see docs/engine.md.
 *
 *     sim --seeds 1..1000 [--steps N]     every seed must hold; the first that fails is printed
 *     sim --seed 17 --trace               replays one, with every transaction and fault
 *     sim --mutate NAME --seeds 1..50     the same with a rule taken out
 *     sim --mutations                     each mutation with the seed known to catch it
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coordinator/engine/mutation.h"
#include "tests/sim/sim.h"

/* ------------------------------------------------------------------ rules taken out */

static const struct {
    const char *name, *text;
    int sim, engine;
} mutations[] = {
#define ROW_SIM(name, text) {#name, text, SIM_MUTATION_##name, 0},
    SIM_MUTATION_MAP(ROW_SIM)
#ifdef QR_ENGINE_MUTATIONS
#define ROW_ENGINE(name, text) {#name, text, 0, QR_MUTATION_##name},
        QR_ENGINE_MUTATION_MAP(ROW_ENGINE)
#endif
};

/* Not caught, and why that is right. */
static const struct {
    const char *name, *why;
} survivors[] = {
    {"no_session_fence", "the lease id is enough once the end of a session revokes its leases"},
    {"hello_keeps_unnamed", "the next beat lacks them, so they return a moment later"},
    {"drop_spool",
     "a coordinator that welcomed the session has loaded its leases, so what it drops is over"},
    {"timers_first", "after a stall the engine gives what waited a second before offers run out"},
    {"end_uncertain",
     "the database ends no session that holds a lease, so a later Hello returns it"},
    {"stop_once", "the next poll, a second later, compares the lease again"},
    {"stop_offers", "once accepted, the next poll stops it"},
    {"row_age",
     "adoption without cause costs a reconnect: another whole ttl passes before reaping"},
};

static const char *survives(const char *name)
{
    for (size_t i = 0; i < QR_COUNT(survivors); i++)
        if (strcmp(survivors[i].name, name) == 0)
            return survivors[i].why;
    return NULL;
}

static bool mutate(const char *name)
{
    for (size_t i = 0; i < QR_COUNT(mutations); i++) {
        if (strcmp(mutations[i].name, name) != 0)
            continue;
        sim_mutation = (enum sim_mutation)mutations[i].sim;
#ifdef QR_ENGINE_MUTATIONS
        qr_engine_mutation = (enum qr_engine_mutation)mutations[i].engine;
#endif
        return true;
    }
    fprintf(stderr, "sim: no mutation '%s' here; hint: sim --list\n", name);
    return false;
}

/* ------------------------------------------------------------------ sums over seeds */

struct sums {
    uint64_t seeds, steps, jobs, starts, done, failed;
    int64_t virtual_ms;
    struct sim_faults faults;
    struct qr_engine_stats stats;
};

static void add(struct sums *sums, const struct sim *sim)
{
    sums->seeds++;
    sums->steps += sim->steps;
    sums->jobs += sim->db.n_jobs;
    sums->starts += sim->starts;
    sums->done += sim->jobs_done;
    sums->failed += sim->jobs_failed;
    sums->virtual_ms += sim->now;
#define ADD_FAULT(name) sums->faults.name += sim->faults.name;
    SIM_FAULT_MAP(ADD_FAULT)
#undef ADD_FAULT
#define ADD_COUNTER(name, help) sums->stats.name += sim->stats.name;
    QR_ENGINE_COUNTERS(ADD_COUNTER)
#undef ADD_COUNTER
}

static void print(const struct sums *sums)
{
    printf("seeds %" PRIu64 ", steps %" PRIu64 ", %.1f virtual hours\n", sums->seeds, sums->steps,
           (double)sums->virtual_ms / 3600000.0);
    printf("jobs %" PRIu64 ": completed %" PRIu64 ", failed %" PRIu64 ", starts %" PRIu64 "\n",
           sums->jobs, sums->done, sums->failed, sums->starts);
    printf("faults:");
#define PRINT_FAULT(name) printf(" %s %" PRIu64, #name, sums->faults.name);
    SIM_FAULT_MAP(PRINT_FAULT)
#undef PRINT_FAULT
    printf("\nengine:");
#define PRINT_COUNTER(name, help) printf(" %s %" PRIu64, #name, sums->stats.name);
    QR_ENGINE_COUNTERS(PRINT_COUNTER)
#undef PRINT_COUNTER
    printf("\n");
}

/* ------------------------------------------------------------------ */

struct args {
    uint64_t first, last, steps;
    const char *mutation;
    bool trace, list, all;
};

static bool one_seed(const struct args *args, uint64_t seed, struct sums *sums)
{
    static struct sim sim; /* large */
    bool held = sim_run(&sim, seed, args->steps, args->trace);

    add(sums, &sim);
    if (!held)
        printf("seed %" PRIu64 ": step %" PRIu64 ", at %.3f s: %s\n"
               "replay: sim --seed %" PRIu64 " --trace%s%s\n",
               seed, sim.steps, (double)sim.now / 1000.0, sim.why, seed,
               args->mutation ? " --mutate " : "", args->mutation ? args->mutation : "");
    sim_free(&sim);
    return held;
}

static bool all_seeds(const struct args *args)
{
    struct sums sums = {0};
    bool held = true;

    for (uint64_t seed = args->first; held && seed <= args->last; seed++)
        held = one_seed(args, seed, &sums);
    print(&sums);
    return held;
}

/* Every mutation but the survivors has to fail within the seeds; prints which seed caught it. */
static bool all_mutations(const struct args *args)
{
    bool caught_all = true;

    for (size_t i = 0; i < QR_COUNT(mutations); i++) {
        struct args one = *args;
        struct sums sums = {0};
        uint64_t seed = args->first;
        one.mutation = mutations[i].name;
        (void)mutate(one.mutation);
        printf("%-20s %s\n    ", mutations[i].name, mutations[i].text);
        fflush(stdout);
        if (survives(one.mutation)) {
            printf("not looked for: %s\n", survives(one.mutation));
            continue;
        }
        while (seed <= args->last && one_seed(&one, seed, &sums))
            seed++;
        if (seed > args->last)
            printf("NOT CAUGHT by seeds %" PRIu64 "..%" PRIu64 "\n", args->first, args->last);
        caught_all = caught_all && seed <= args->last;
    }
    return caught_all;
}

static bool parse_seeds(const char *text, struct args *args)
{
    char *end;

    args->first = args->last = strtoull(text, &end, 10);
    if (strncmp(end, "..", 2) == 0)
        args->last = strtoull(end + 2, &end, 10);
    return *end == '\0' && args->first >= 1 && args->last >= args->first;
}

static bool parse(int argc, char **argv, struct args *args)
{
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--trace") == 0) {
            args->trace = true;
        } else if (strcmp(argv[i], "--list") == 0) {
            args->list = true;
        } else if (strcmp(argv[i], "--mutations") == 0) {
            args->all = true;
        } else if ((strcmp(argv[i], "--seeds") == 0 || strcmp(argv[i], "--seed") == 0) &&
                   parse_seeds(value, args)) {
            i++;
        } else if (strcmp(argv[i], "--steps") == 0 && strtoull(value, NULL, 10) > 0) {
            args->steps = strtoull(value, NULL, 10);
            i++;
        } else if (strcmp(argv[i], "--mutate") == 0 && *value) {
            args->mutation = value;
            i++;
        } else {
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    struct args args = {.first = 1, .last = 100};

    if (!parse(argc, argv, &args)) {
        fprintf(stderr,
                "usage: sim [--seeds A..B | --seed N] [--steps N] [--trace] [--mutate NAME] "
                "[--mutations] [--list]\n");
        return 2;
    }
    if (args.list) {
        for (size_t i = 0; i < QR_COUNT(mutations); i++)
            printf("%-20s %s\n", mutations[i].name, mutations[i].text);
        return 0;
    }
    if (args.mutation && !mutate(args.mutation))
        return 2;
    if (args.all)
        return all_mutations(&args) ? 0 : 1;
    return all_seeds(&args) ? 0 : 1;
}
