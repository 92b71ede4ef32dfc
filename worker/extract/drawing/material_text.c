#include "worker/extract/drawing/material_text.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/base.h"
#include "worker/extract/drawing/fold.h"
#include "worker/extract/drawing/standards.h"

enum { WORD_MAX = 40, TEXT_MAX = 200 };

/* Numbers of EN 10027-2 that are in use; others need a label beside them: 1.2500 is a length. */
static const char *const steel_numbers[] = {
    "0036", "0037", "0038", "0039", "0044", "0045", "0050", "0060", "0114", "0116", "0117", "0122",
    "0226", "0301", "0308", "0330", "0332", "0338", "0345", "0347", "0401", "0402", "0425", "0503",
    "0511", "0535", "0543", "0545", "0553", "0570", "0577", "0580", "0619", "0711", "0715", "0718",
    "0726", "0736", "0737", "0762", "0933", "0976", "1141", "1151", "1181", "1191", "1201", "1213",
    "1221", "1231", "1274", "1730", "2080", "2083", "2085", "2162", "2210", "2311", "2312", "2316",
    "2343", "2344", "2363", "2379", "2419", "2436", "2510", "2550", "2709", "2714", "2738", "2767",
    "2842", "3343", "3505", "4003", "4005", "4006", "4016", "4021", "4024", "4028", "4031", "4034",
    "4037", "4057", "4104", "4112", "4116", "4122", "4125", "4301", "4303", "4305", "4306", "4307",
    "4310", "4311", "4313", "4316", "4318", "4362", "4401", "4404", "4410", "4418", "4429", "4432",
    "4435", "4436", "4438", "4439", "4441", "4460", "4462", "4501", "4509", "4510", "4512", "4521",
    "4529", "4539", "4541", "4542", "4545", "4547", "4548", "4550", "4551", "4565", "4567", "4568",
    "4571", "4580", "4713", "4724", "4742", "4762", "4821", "4828", "4833", "4835", "4841", "4845",
    "4864", "4876", "4878", "4923", "4980", "5715", "5752", "5919", "6511", "6580", "6582", "6587",
    "6773", "7016", "7030", "7033", "7035", "7102", "7103", "7131", "7139", "7147", "7176", "7218",
    "7219", "7220", "7225", "7227", "7228", "7335", "7380", "8070", "8159", "8507", "8509", "8519",
    "8550", "8714", "8902", "8974",
};

/* Fixed designations, in lower case without blanks and hyphens. */
static const char *fixed[] = {
    "s185",       "dc01",      "dc03",      "dc04",      "dc05",      "dd11",     "dx51d",
    "s10c",       "s15c",      "s20c",      "s25c",      "s35c",      "s45c",     "s50c",
    "s55c",       "ss400",     "ss41",      "spcc",      "spcd",      "spce",     "sphc",
    "secc",       "sgcc",      "stkm13a",   "scm415",    "scm420",    "scm435",   "scm440",
    "sncm439",    "sncm220",   "suj2",      "skd11",     "skd61",     "sks3",     "sk3",
    "skh51",      "sup9",      "q195",      "q215",      "q235",      "q235a",    "q235b",
    "q345",       "q345b",     "q355",      "q355b",     "16mn",      "40cr",     "20crmnti",
    "38crmoal",   "gcr15",     "65mn",      "9cr18",     "3cr13",     "2cr13",    "ht200",
    "ht250",      "qt450",     "qt400",     "hpb59",     "h59",       "h62",      "ly12",
    "zl104",      "st37",      "st372",     "st52",      "st523",     "st33",     "st60",
    "st44",       "ck45",      "ck60",      "ck15",      "ck10",      "ck35",     "gg20",
    "gg25",       "gg30",      "ggg40",     "ggg50",     "ggg60",     "gts35",    "316l",
    "304l",       "316ti",     "430f",      "440c",      "440b",      "174ph",    "155ph",
    "alnico",     "zamak",     "zamak3",    "zamak5",    "az91d",     "inconel",  "inconel718",
    "inconel625", "hastelloy", "monel400",  "invar36",   "nitinol",   "stellite", "adc12",
    "ac4ch",      "a5052",     "a5052p",    "a6061",     "a6063",     "a7075",    "a2017",
    "a2024",      "a1050",     "a356",      "a380",      "c3604",     "c2801",    "c1100",
    "c36000",     "c11000",    "cw614n",    "cw617n",    "cw508l",    "cw004a",   "cw024a",
    "cw602n",     "cw453k",    "cw608n",    "cw509l",    "cw459k",    "cw101c",   "ti6al4v",
    "tial6v4",    "pomc",      "pomh",      "peek",      "ptfe",      "pvdf",     "pmma",
    "petg",       "uhmwpe",    "hmpe",      "pe1000",    "pe500",     "pe300",    "fr4",
    "nbr",        "epdm",      "fkm",       "pctfe",     "pps",       "pei",      "ultem",
    "delrin",     "hardox400", "hardox450", "weldox700", "strenx700", "toolox33", "toolox44",
    "corten",     "domex",     "d16t",      "ст3",       "ст45",      "ст20",     "12х18н10т",
    "08х18н10",   "40х",       "д16т",      "амг6",      "амг5",      "ад31",     "бразлмц",
    "стальст3",   "09г2с",     "65г",       "у8а",       "a36",       "aisi304",  "aisi316",
    "aisi316l",   "aisi1045",  "aisi4140",  "sae1045",   "sae4140",   "en8",      "en24t",
    "en19",       "hdpe",      "ldpe",      "xc48",      "xc38",      "c40e",
};

/* Words that name a class of materials. */
static const char *classes[] = {
    "pa6",
    "pa66",
    "pa12",
    "pa11",
    "pa46",
    "steel",
    "stainless",
    "aluminium",
    "aluminum",
    "alu",
    "brass",
    "bronze",
    "copper",
    "titanium",
    "iron",
    "zinc",
    "magnesium",
    "nylon",
    "acetal",
    "polycarbonate",
    "acrylic",
    "rubber",
    "silicone",
    "delrin",
    "plywood",
    "wood",
    "glass",
    "ceramic",
    "polyamide",
    "polyethylene",
    "polypropylene",
    "polyurethane",
    "stahl",
    "edelstahl",
    "baustahl",
    "werkzeugstahl",
    "federstahl",
    "messing",
    "rotguss",
    "kupfer",
    "gusseisen",
    "grauguss",
    "titan",
    "gummi",
    "holz",
    "kunststoff",
    "inox",
    "acier",
    "laiton",
    "cuivre",
    "fonte",
    "titane",
    "caoutchouc",
    "acciaio",
    "alluminio",
    "ottone",
    "bronzo",
    "rame",
    "ghisa",
    "acero",
    "aluminio",
    "laton",
    "bronce",
    "cobre",
    "hierro",
    "aco",
    "latao",
    "staal",
    "rvs",
    "stal",
    "mosiadz",
    "ocel",
    "hlinik",
    "mosaz",
    "stal",
    "massing",
    "rostfritt",
    "сталь",
    "алюминий",
    "латунь",
    "бронза",
    "медь",
    "чугун",
    "резина",
    "титан",
    "不锈钢",
    "铝合金",
    "钢",
    "铝",
    "铜",
    "黄铜",
    "尼龙",
    "ステンレス",
    "アルミ",
    "真鍮",
    "鋼",
    "abs",
    "pla",
    "pom",
    "pc",
    "pet",
    "pp",
    "pe",
    "pvc",
    "asa",
    "tpu",
    "pbt",
    "plastic",
    "cardboard",
    "foam",
    "mdf",
    "carbon",
};

/* What may stand beside them. */
static const char *beside[] = {
    "black",    "white",       "natural",    "natur",      "clear",      "grey",
    "gray",     "red",         "blue",       "green",      "schwarz",    "weiss",
    "noir",     "anodized",    "anodised",   "hardened",   "tempered",   "annealed",
    "rolled",   "cold",        "hot",        "drawn",      "forged",     "cast",
    "sheet",    "plate",       "bar",        "rod",        "tube",       "round",
    "flat",     "galvanized",  "galvanised", "verzinkt",   "blank",      "rostfrei",
    "eloxiert", "gehartet",    "vergutet",   "mild",       "carbon",     "spring",
    "tool",     "alloy",       "grade",      "gr",         "type",       "class",
    "t6",       "t651",        "t4",         "t3",         "t0",         "o",
    "h32",      "h111",        "h14",        "h112",       "f",          "thk",
    "thick",    "mm",          "dick",       "aisi",       "sae",        "astm",
    "en",       "aw",          "al",         "din",        "iso",        "jis",
    "no",       "nr",          "or",         "equivalent", "eq",         "equiv",
    "similar",  "legierung",   "legiert",    "inoxydable", "inoxidable", "inossidabile",
    "legat",    "нержавеющая", "гост",       "gf30",       "gf",         "cf",
    "l",        "h",           "ss",         "stainless",  "free",       "machining",
    "food",     "food grade",  "fda",        "x",          "t",          "de",
    "hrc",      "ral",
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static int by_text(const void *a, const void *b)
{
    const char *const *l = a, *const *r = b;

    return strcmp(*l, *r);
}

static void sort_lists(void)
{
    qsort(fixed, QR_COUNT(fixed), sizeof *fixed, by_text);
    qsort(classes, QR_COUNT(classes), sizeof *classes, by_text);
    qsort(beside, QR_COUNT(beside), sizeof *beside, by_text);
}

/* In a list that is sorted. */
static bool in_list(const char *word, size_t len, const char *const *list, size_t n)
{
    size_t low = 0;

    while (low < n) {
        size_t mid = low + (n - low) / 2;
        int c = strncmp(list[mid], word, len);
        if (c == 0 && list[mid][len] == '\0')
            return true;
        if (c < 0)
            low = mid + 1;
        else
            n = mid;
    }
    return false;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

static bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }

static bool is_lower(char c) { return c >= 'a' && c <= 'z'; }

/* Lower case without blanks and hyphens; 0 when it does not fit. */
static size_t squeeze(const char *word, size_t len, char out[WORD_MAX])
{
    struct qr_fold fold;
    size_t n = 0;

    if (len >= WORD_MAX)
        return 0;
    size_t ascii = 0;
    while (ascii < len && !(word[ascii] & 0x80)) {
        char c = word[ascii++];
        if (is_digit(c) || is_lower(c))
            out[n++] = c;
        else if (is_upper(c))
            out[n++] = (char)(c + 32);
    }
    if (ascii == len)
        return n;
    n = 0;
    qr_fold(word, len, &fold);
    for (size_t i = 0; i < fold.len && n < WORD_MAX; i++)
        if (fold.text[i] != ' ')
            out[n++] = fold.text[i];
    return n;
}

/* "1.4301", "1.4301.05" */
static bool is_steel_number(const char *w, size_t len)
{
    return len >= 6 && memcmp(w, "1.", 2) == 0 && (len == 6 || w[6] == '.' || w[6] == '+') &&
           in_list(w + 2, 4, steel_numbers, QR_COUNT(steel_numbers));
}

/* "S235JR", "S355J2+N", "P265GH", "E335": EN 10027-1, group 1. */
static bool is_strength_name(const char *w, size_t len)
{
    static const char *const grades[] = {"185", "195", "235", "275", "315", "355", "420", "450",
                                         "460", "500", "550", "620", "690", "700", "890", "960"};

    if (len < 4 || w[0] != 'S' || !in_list(w + 1, 3, grades, QR_COUNT(grades)))
        return false;
    if (len == 4)
        return true;
    return strchr("JKNMQLCGHW+", w[4]) != NULL;
}

/* Chemical symbols as names of alloys use them. */
static size_t element(const char *w, size_t len, bool *two)
{
    static const char symbols[][3] = {"Cr", "Mo", "Mn", "Ni", "Si", "Al", "Nb", "Ti", "Pb", "Co",
                                      "Cu", "Zn", "Mg", "Sn", "Be", "Fe", "Zr", "Bi", "Ag"};

    for (size_t i = 0; len >= 2 && i < QR_COUNT(symbols); i++)
        if (memcmp(w, symbols[i], 2) == 0) {
            *two = true;
            return 2;
        }
    return len >= 1 && strchr("VSWBNPCX", w[0]) && !(len >= 2 && is_lower(w[1])) ? 1 : 0;
}

/* "42CrMo4", "X5CrNi18-10", "AlMgSi0,5", "CuZn39Pb3", "11SMnPb30": elements with a number. */
static bool is_alloy_name(const char *w, size_t len)
{
    size_t i = 0, elements = 0, digits = 0;
    bool two = false;

    if (len >= 2 && w[0] == 'G' && w[1] == '-')
        i = 2;
    if (i < len && w[i] == 'X')
        i++;
    size_t lead = i;
    while (i < len && is_digit(w[i]))
        i++;
    if (i - lead > 3)
        return false;
    for (size_t n; i < len && (n = element(w + i, len - i, &two)) > 0; i += n) {
        elements++;
        while (i + n < len && (is_digit(w[i + n]) || ((w[i + n] == ',' || w[i + n] == '.') &&
                                                      i + n + 1 < len && is_digit(w[i + n + 1])))) {
            n++;
            digits++;
        }
    }
    while (i < len && (is_digit(w[i]) || w[i] == '-' || w[i] == '+'))
        digits += is_digit(w[i++]);
    bool metal = memcmp(w, "Al", 2) == 0 || memcmp(w, "Cu", 2) == 0;
    return two && elements >= (metal ? 2 : 1) && digits > 0 && len >= 5 &&
           (i == len || is_upper(w[i])) && (metal || lead > 0 || is_digit(w[0]) || elements >= 3);
}

/* "SUS304", "SS316", "AL6061-T6", "Al7075", "STS304", "S45C": letters that say what the number is.
 */
static bool is_grade_word(const char *key, size_t len)
{
    static const char *const prefixes[] = {"sus", "sts", "aisi", "sae", "enaw",
                                           "aw",  "al",  "alu",  "ss"};

    for (size_t i = 0; i < QR_COUNT(prefixes); i++) {
        size_t n = strlen(prefixes[i]);
        size_t digits = 0;
        if (len < n + 3 || memcmp(key, prefixes[i], n) != 0)
            continue;
        while (n + digits < len && is_digit(key[n + digits]))
            digits++;
        if (strcmp(prefixes[i], "al") == 0 || strcmp(prefixes[i], "alu") == 0 ||
            strstr(prefixes[i], "aw"))
            return digits == 4 && strchr("1234567", key[n]) && len <= n + 8;
        if (digits == 3 || digits == 4)
            return strchr("23456148", key[n]) && len <= n + digits + 3;
    }
    return false;
}

/* "6061-T6", "7075-T651", "2024-T3": EN 515 tempers. */
static bool is_tempered_number(const char *w, size_t len)
{
    size_t t = 5;

    if (len < 7 || len > 9 || !strchr("234567", w[0]) || !is_digit(w[1]) || !is_digit(w[2]) ||
        !is_digit(w[3]) || (w[4] != '-' && w[4] != ' ') || (w[5] != 'T' && w[5] != 'H'))
        return false;
    for (t = 6; t < len; t++)
        if (!is_digit(w[t]))
            return false;
    return true;
}

/* "EN-GJS-400-15", "GJL-250", "PA6-GF30", "EN AW-6082" */
static bool is_prefixed(const char *key, size_t len)
{
    static const char *const prefixes[] = {"engjs",  "engjl",  "engjmb", "gjs",   "gjl",
                                           "pa6gf",  "pa66gf", "pa12gf", "pomgf", "peekgf",
                                           "peekcf", "pcabs",  "enac"};

    for (size_t i = 0; i < QR_COUNT(prefixes); i++) {
        size_t n = strlen(prefixes[i]);
        if (len >= n && memcmp(key, prefixes[i], n) == 0 &&
            (is_digit(key[n < len ? n : n - 1]) || strcmp(prefixes[i], "pcabs") == 0))
            return true;
    }
    return false;
}

static bool is_certain_word(const char *w, size_t len)
{
    char key[WORD_MAX];
    size_t n;

    if (len < 3 || len >= WORD_MAX)
        return false;
    bool one = memchr(w, ' ', len) == NULL;
    if (is_tempered_number(w, len) ||
        (one && (is_steel_number(w, len) || is_strength_name(w, len) || is_alloy_name(w, len))))
        return true;
    n = squeeze(w, len, key);
    return n >= 3 && (in_list(key, n, fixed, QR_COUNT(fixed)) || is_grade_word(key, n) ||
                      is_prefixed(key, n));
}

static bool is_break(char c)
{
    return c == ' ' || c == ';' || c == '(' || c == ')' || c == '/' || c == '"' || c == '=';
}

static size_t word_end(const char *text, size_t len, size_t i)
{
    while (i < len && !is_break(text[i]) &&
           !((text[i] == ',' || text[i] == ':') && (i + 1 == len || text[i + 1] == ' ')))
        i++;
    while (i > 0 && (text[i - 1] == '.' || text[i - 1] == ','))
        i--;
    return i;
}

/* A temper or treatment behind a designation is part of it: "EN AW-6082 T6", "S355 J2+N". */
static size_t with_temper(const char *text, size_t len, size_t end)
{
    size_t i = end + 1;

    if (end + 2 < len && text[end] == ' ' && (text[i] == 'T' || text[i] == 'H' || text[i] == 'J') &&
        is_digit(text[i + 1])) {
        size_t stop = word_end(text, len, i);
        if (stop - i <= 5)
            return stop;
    }
    return end;
}

static bool has_digit(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (is_digit(text[i]))
            return true;
    return false;
}

bool qr_material_find(const char *text, size_t len, struct qr_material_match *ret)
{
    pthread_once(&once, sort_lists);
    len = len < TEXT_MAX ? len : TEXT_MAX;
    for (size_t i = 0; i < len;) {
        size_t end = word_end(text, len, i);
        if (end <= i) {
            i++;
            continue;
        }
        /* two words first: "EN AW-6082", "AISI 304", "ASTM A36", "6061 T6" */
        size_t two = end + 1 < len && text[end] == ' ' ? word_end(text, len, end + 1) : end;
        bool both =
            two > end + 1 && has_digit(text + end, two - end) && is_certain_word(text + i, two - i);
        if (both || is_certain_word(text + i, end - i)) {
            end = with_temper(text, len, both ? two : end);
            *ret = (struct qr_material_match){i, end - i, true, true};
            return true;
        }
        i = end;
        while (i < len && !is_break(text[i]))
            i++;
    }
    return false;
}

static bool is_number(const char *w, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (!is_digit(w[i]))
            return false;
    return len > 0;
}

bool qr_material_is_all(const char *text, size_t len, struct qr_material_match *ret)
{
    struct qr_fold fold;
    size_t named = 0, numbers = 0, others = 0;
    struct qr_material_match certain;

    if (len == 0 || len > 64)
        return false;
    pthread_once(&once, sort_lists);
    qr_fold(text, len, &fold);
    if (fold.n_words == 0 || fold.n_words > 7)
        return false;
    bool has = qr_material_find(text, len, &certain);
    for (size_t i = 0; i < fold.n_words; i++) {
        const char *w = fold.text + fold.words[i].at;
        size_t n = (size_t)(fold.words[i].end - fold.words[i].at);
        if (has && fold.words[i].from >= certain.at && fold.words[i].to <= certain.at + certain.len)
            named++;
        else if (in_list(w, n, classes, QR_COUNT(classes)))
            named++;
        else if (is_number(w, n) || (n <= 5 && is_digit(w[0])))
            numbers++;
        else if (!in_list(w, n, beside, QR_COUNT(beside)))
            others++;
    }
    if (named == 0 || others > 0 || numbers > named + 2)
        return false;
    *ret = (struct qr_material_match){0, len, has, has || numbers > 0};
    return true;
}
