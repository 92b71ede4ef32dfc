#include "worker/extract/drawing/material_names.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "common/base.h"

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

bool qr_material_in_list(const char *word, size_t len, const char *const *list, size_t n)
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

bool qr_material_is_steel_number(const char *number, size_t len)
{
    return qr_material_in_list(number, len, steel_numbers, QR_COUNT(steel_numbers));
}

bool qr_material_is_fixed(const char *word, size_t len)
{
    pthread_once(&once, sort_lists);
    return qr_material_in_list(word, len, fixed, QR_COUNT(fixed));
}

bool qr_material_is_class(const char *word, size_t len)
{
    pthread_once(&once, sort_lists);
    return qr_material_in_list(word, len, classes, QR_COUNT(classes));
}

bool qr_material_stands_beside(const char *word, size_t len)
{
    pthread_once(&once, sort_lists);
    return qr_material_in_list(word, len, beside, QR_COUNT(beside));
}
