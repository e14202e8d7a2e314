/*
 * yaml_only FILE... - what reading the bytes of a plan costs at the least: libfyaml's events, and
 * nothing done with them. bench_check.py compares `check` with it in the same run. Prints the
 * number of events, so that the work cannot be left out.
 */
#include <libfyaml.h>
#include <stdio.h>
#include <stdlib.h>

static unsigned long
count_events(const char *bytes, size_t n)
{
    struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_DEFAULT_VERSION_1_2};
    struct fy_parser *parser = fy_parser_create(&cfg);
    struct fy_event *event;
    unsigned long events = 0;
    if (parser == NULL || fy_parser_set_string(parser, bytes, n) != 0)
        exit(1);
    for (; (event = fy_parser_parse(parser)) != NULL; events++)
        fy_parser_event_free(parser, event);
    fy_parser_destroy(parser);
    return events;
}

int
main(int argc, char **argv)
{
    unsigned long events = 0;
    for (int i = 1; i < argc; i++) {
        FILE *in = fopen(argv[i], "rb");
        if (in == NULL || fseek(in, 0, SEEK_END) != 0)
            return 1;
        size_t n = (size_t)ftell(in);
        char *bytes = malloc(n + 1);
        rewind(in);
        if (bytes == NULL || fread(bytes, 1, n, in) != n)
            return 1;
        events += count_events(bytes, n);
        free(bytes);
        fclose(in);
    }
    printf("%lu\n", events);
    return events == 0;
}
