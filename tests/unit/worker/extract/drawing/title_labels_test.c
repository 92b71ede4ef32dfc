/* Run it: ctest --preset dev -R title_labels_test */
#include "tests/harness/test.h"
#include "worker/extract/drawing/title_values.h"
#include "worker/extract/drawing/title_words.h"

#include <stdbool.h>

#include "common/base.h"

static enum qr_title_field label_of(const char *text)
{
    struct qr_fold fold;

    qr_fold(text, strlen(text), &fold);
    return qr_title_label(&fold, 0, fold.n_words);
}

static void folds_case_marks_and_signs(void **state)
{
    static const struct {
        const char *text, *folded;
    } cases[] = {
        {"Maßstab:", "massstab"},
        {"DWG_NO.", "dwg no"},
        {"  Échelle ", "echelle"},
        {"Zeichnungs-Nr.", "zeichnungs nr"},
        {"Č. výkresu", "c vykresu"},
        {"МАСШТАБ", "масштаб"},
        {"Объём", "объем"},
        {"材 料", "材料"},
        {"比例1:2", "比例 1 2"},
        {"ＳＣＡＬＥ", "scale"},
        {"DWG #", "dwg no"},
        {"№ чертежа", "no чертежа"},
        {"Ø", "o"},
        {"±", ""},
        {"", ""},
    };

    (void)state;
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        struct qr_fold fold;
        qr_fold(cases[i].text, strlen(cases[i].text), &fold);
        assert_string_equal(fold.text, cases[i].folded);
        assert_true(fold.whole);
    }
}

static void folds_only_what_has_room(void **state)
{
    char text[1000];
    struct qr_fold fold;

    (void)state;
    memset(text, 'a', sizeof text);
    qr_fold(text, sizeof text, &fold);
    assert_false(fold.whole);
    assert_int_equal(fold.n_words, 0);
    for (size_t i = 1; i < sizeof text; i += 2)
        text[i] = ' ';
    qr_fold(text, sizeof text, &fold);
    assert_false(fold.whole);
    assert_int_equal(fold.n_words, QR_FOLD_WORDS);
}

static void knows_labels_of_many_languages(void **state)
{
    static const struct {
        const char *text;
        enum qr_title_field field;
    } cases[] = {
        {"DWG. NO.", QR_TITLE_DRAWING_NUMBER},
        {"Zeichnungs-Nr.:", QR_TITLE_DRAWING_NUMBER},
        {"N° de plan", QR_TITLE_DRAWING_NUMBER},
        {"Numero disegno", QR_TITLE_DRAWING_NUMBER},
        {"Nr rysunku", QR_TITLE_DRAWING_NUMBER},
        {"Číslo výkresu", QR_TITLE_DRAWING_NUMBER},
        {"图号", QR_TITLE_DRAWING_NUMBER},
        {"図番", QR_TITLE_DRAWING_NUMBER},
        {"Обозначение", QR_TITLE_DRAWING_NUMBER},
        {"Maßstab", QR_TITLE_SCALE},
        {"MASZSTAB", QR_TITLE_SCALE},
        {"Échelle:", QR_TITLE_SCALE},
        {"Werkstoff", QR_TITLE_MATERIAL},
        {"MATL.", QR_TITLE_MATERIAL},
        {"Gepr.", QR_TITLE_CHECKED_BY},
        {"Drawn By", QR_TITLE_DRAWN_BY},
        {"Blad", QR_TITLE_SHEET},
        {"Benämning", QR_TITLE_TITLE},
        {"Листов", QR_TITLE_SHEET_COUNT},
        {"Massa", QR_TITLE_WEIGHT},
        {"hello", QR_TITLE_NONE},
        {"", QR_TITLE_NONE},
    };

    (void)state;
    for (size_t i = 0; i < QR_COUNT(cases); i++)
        if (label_of(cases[i].text) != cases[i].field)
            fail_msg("\"%s\": field %d, not %d", cases[i].text, label_of(cases[i].text),
                     cases[i].field);
}

/* A label that means two things would mean one or the other by chance; one that is not folded is
 * never found. */
static void each_label_means_one_field(void **state)
{
    size_t n = 0;

    (void)state;
    for (size_t i = 0; i < qr_title_n_word_rows; i++) {
        const char *text = qr_title_word_rows[i].labels;
        while (*text) {
            char label[128];
            size_t len = strcspn(text, "|");
            assert_in_range(len, 1, sizeof label - 1);
            memcpy(label, text, len);
            label[len] = '\0';
            struct qr_fold fold;
            qr_fold(label, len, &fold);
            if (strcmp(fold.text, label) != 0)
                fail_msg("\"%s\" is not folded", label);
            if (label_of(label) != qr_title_word_rows[i].field)
                fail_msg("\"%s\" means %d and %d", label, label_of(label),
                         qr_title_word_rows[i].field);
            text += len + (text[len] == '|');
            n++;
        }
    }
    assert_true(n > 1000 && n < 4000);
}

static void knows_tags_of_attributes(void **state)
{
    static const struct {
        const char *tag;
        enum qr_title_field field;
    } cases[] = {
        {"DWG_NO", QR_TITLE_DRAWING_NUMBER},
        {"ZEICHNUNGSNR", QR_TITLE_DRAWING_NUMBER},
        {"DrawingNumber", QR_TITLE_DRAWING_NUMBER},
        {"GEN-TITLE-NR{16.4}", QR_TITLE_DRAWING_NUMBER},
        {"GEN-TITLE-MAT1{25}", QR_TITLE_MATERIAL},
        {"PART_NO", QR_TITLE_PART_NUMBER},
        {"REV", QR_TITLE_REVISION},
        {"WERKSTOFF", QR_TITLE_MATERIAL},
        {"MASSSTAB", QR_TITLE_SCALE},
        {"GEZ", QR_TITLE_DRAWN_BY},
        {"TITLE1", QR_TITLE_TITLE},
        {"TITLE_2", QR_TITLE_SUBTITLE},
        {"NR", QR_TITLE_NONE},
        {"XPOS", QR_TITLE_NONE},
        {"", QR_TITLE_NONE},
        {"{16}", QR_TITLE_NONE},
    };

    (void)state;
    for (size_t i = 0; i < QR_COUNT(cases); i++)
        if (qr_title_tag(cases[i].tag) != cases[i].field)
            fail_msg("\"%s\": field %d, not %d", cases[i].tag, qr_title_tag(cases[i].tag),
                     cases[i].field);
}

static void tells_values_by_their_form(void **state)
{
    static const struct {
        enum qr_title_field field;
        const char *text;
        bool fits;
    } cases[] = {
        {QR_TITLE_SCALE, "1:2", true},
        {QR_TITLE_SCALE, "2 : 1", true},
        {QR_TITLE_SCALE, "N.T.S.", true},
        {QR_TITLE_SCALE, "1:2,5", true},
        {QR_TITLE_SCALE, "Bracket", false},
        {QR_TITLE_SCALE, "12-30", false},
        {QR_TITLE_SHEET, "1 OF 3", true},
        {QR_TITLE_SHEET, "Blatt 1 von 2", true},
        {QR_TITLE_SHEET, "1/3", true},
        {QR_TITLE_SHEET, "3 of 1", false},
        {QR_TITLE_SHEET, "/", false},
        {QR_TITLE_SHEET, "A4", false},
        {QR_TITLE_SIZE, "A3", true},
        {QR_TITLE_SIZE, "ANSI B", true},
        {QR_TITLE_SIZE, "D", true},
        {QR_TITLE_SIZE, "A9", false},
        {QR_TITLE_DATE, "29.03.2021", true},
        {QR_TITLE_DATE, "2021-03-29", true},
        {QR_TITLE_DATE, "3/24/21", true},
        {QR_TITLE_DATE, "Mar-17-22", true},
        {QR_TITLE_DATE, "17 March 2022", true},
        {QR_TITLE_DATE, "2022年3月17日", true},
        {QR_TITLE_DATE, "20210329", true},
        {QR_TITLE_DATE, "1.2.3", false},
        {QR_TITLE_DATE, "12345678", false},
        {QR_TITLE_DATE, "Josh Pieper", false},
        {QR_TITLE_WEIGHT, "1.25 kg", true},
        {QR_TITLE_WEIGHT, "0,3", true},
        {QR_TITLE_WEIGHT, "steel", false},
        {QR_TITLE_UNITS, "mm", true},
        {QR_TITLE_UNITS, "MILLIMETERS", true},
        {QR_TITLE_UNITS, "A4", false},
        {QR_TITLE_REVISION, "B", true},
        {QR_TITLE_REVISION, "X1.1", true},
        {QR_TITLE_REVISION, "29.03.2021", false},
        {QR_TITLE_DRAWN_BY, "Josh Pieper", true},
        {QR_TITLE_DRAWN_BY, "29.03.2021", false},
        {QR_TITLE_MATERIAL, "1.4301", true},
        {QR_TITLE_MATERIAL, "2:1", false},
        {QR_TITLE_DRAWING_NUMBER, "MC_20200403", true},
        {QR_TITLE_DRAWING_NUMBER, "2:1", false},
        {QR_TITLE_TITLE, "12.5", false},
    };

    (void)state;
    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        float fit = qr_title_value_fit(cases[i].field, cases[i].text, strlen(cases[i].text));
        if ((fit > 0.05f) != cases[i].fits)
            fail_msg("%s \"%s\": %g", qr_title_field_name(cases[i].field), cases[i].text,
                     (double)fit);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folds_case_marks_and_signs),
        cmocka_unit_test(folds_only_what_has_room),
        cmocka_unit_test(knows_labels_of_many_languages),
        cmocka_unit_test(each_label_means_one_field),
        cmocka_unit_test(knows_tags_of_attributes),
        cmocka_unit_test(tells_values_by_their_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
