/* quarry completion */
#include <stdio.h>
#include <string.h>

#include "ctl/verb/verbs.h"

/* The words that may follow an option: its choices. */
static void put_choices(const struct qr_option *row)
{
    if (!(row->flags & QR_OPT_CHOICE))
        return;
    printf("        --%s", row->name);
    if (row->letter)
        printf("|-%c", row->letter);
    fputs(") COMPREPLY=($(compgen -W '", stdout);
    for (const char *c = row->arg; *c; c++)
        putchar(*c == '|' ? ' ' : *c);
    fputs("' -- \"$word\")); return ;;\n", stdout);
}

static void put_flags(const struct qr_option *row)
{
    for (; row->name; row++)
        printf(" --%s", row->name);
}

/* First words once each, in the order of the verbs. */
static void put_first_words(void)
{
    const char *above = "";
    size_t above_len = 0;

    for (size_t i = 0; qr_ctl_verbs[i]; i++) {
        const char *name = qr_ctl_verbs[i]->name;
        size_t len = strcspn(name, " ");
        if (len != above_len || strncmp(name, above, len) != 0)
            printf("%s%.*s", above_len == 0 ? "" : " ", (int)len, name);
        above = name;
        above_len = len;
    }
}

static void put_second_words(void)
{
    for (size_t i = 0; qr_ctl_verbs[i]; i++) {
        const char *name = qr_ctl_verbs[i]->name;
        size_t len = strcspn(name, " ");
        bool begins = i == 0 || strncmp(qr_ctl_verbs[i - 1]->name, name, len + 1) != 0;
        bool ends = !qr_ctl_verbs[i + 1] || strncmp(qr_ctl_verbs[i + 1]->name, name, len + 1) != 0;
        if (name[len] == '\0')
            continue;
        if (begins)
            printf("        %.*s) COMPREPLY=($(compgen -W '", (int)len, name);
        printf("%s%s", begins ? "" : " ", name + len + 1);
        if (ends)
            fputs("' -- \"$word\")); return ;;\n", stdout);
    }
}

static void put_script(void)
{
    fputs("# bash completion for quarry; load it with: source <(quarry completion bash)\n"
          "_quarry() {\n"
          "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} verb flags\n"
          "    COMPREPLY=()\n"
          "    case $before in\n",
          stdout);
    put_choices(&qr_ctl_common_options[1]);
    for (size_t i = 0; qr_ctl_verbs[i]; i++)
        for (const struct qr_option *row = qr_ctl_verbs[i]->options; row->name; row++)
            put_choices(row);
    fputs("        --out) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n"
          "        --source) COMPREPLY=($(compgen -d -- \"$word\")); return ;;\n"
          "    esac\n"
          "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
          "        COMPREPLY=($(compgen -W '",
          stdout);
    put_first_words();
    fputs("' -- \"$word\"))\n"
          "        return\n"
          "    fi\n"
          "    [ \"$COMP_CWORD\" -ne 2 ] || case ${COMP_WORDS[1]} in\n",
          stdout);
    put_second_words();
    fputs("    esac\n"
          "    verb=\"${COMP_WORDS[1]} ${COMP_WORDS[2]}\"\n"
          "    case $verb in\n",
          stdout);
    for (size_t i = 0; qr_ctl_verbs[i]; i++) {
        const char *name = qr_ctl_verbs[i]->name;
        printf("        '%s'%s) flags='", name, strchr(name, ' ') ? "" : "\\ *");
        put_flags(qr_ctl_verbs[i]->options);
        fputs("' ;;\n", stdout);
    }
    fputs("    esac\n"
          "    if [[ $word == -* ]]; then\n"
          "        COMPREPLY=($(compgen -W \"$flags",
          stdout);
    put_flags(qr_ctl_common_options);
    fputs(" --help\" -- \"$word\"))\n"
          "    elif [ \"${COMP_WORDS[1]}\" = extract ]; then\n"
          "        COMPREPLY=($(compgen -f -- \"$word\"))\n"
          "    fi\n"
          "}\n"
          "complete -o filenames -F _quarry quarry\n",
          stdout);
}

static int run_verb(struct qr_ctl *ctl, const void *args, const struct qr_option_list *rest,
                    struct qr_err *err)
{
    (void)ctl;
    (void)args;
    if (strcmp(rest->items[0], "bash") != 0)
        return qr_fail(err, QR_E_USAGE, "no completion for '%s'; hint: quarry completion bash",
                       rest->items[0]);
    put_script();
    return QR_OK;
}

const struct qr_ctl_verb qr_ctl_completion = {
    .name = "completion",
    .arguments = "bash",
    .summary = "a script that completes verbs and options",
    .examples = "  source <(quarry completion bash)\n"
                "  quarry completion bash > /etc/bash_completion.d/quarry\n",
    .options = qr_ctl_no_options,
    .args_size = sizeof(struct qr_ctl_common),
    .rest_min = 1,
    .rest_max = 1,
    .rest_name = "shell",
    .run = run_verb,
};
