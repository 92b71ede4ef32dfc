/* Run it: ctest --test-dir build/dev -R gather_test */
#include "cadbridge/gather.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "common/record/cad.h"
#include "tests/harness/test.h"

static struct qr_gather_piece piece(uint32_t first, uint32_t total, float *xyz, size_t n,
                                    float *normals)
{
    const size_t len = n * 3 * sizeof(float);

    return (struct qr_gather_piece){
        .first = first,
        .total = total,
        .xyz = {.len = len, .data = (uint8_t *)xyz},
        .normals = {.len = normals ? len : 0, .data = (uint8_t *)normals},
        .scale = 10,
    };
}

static void a_cloud_comes_in_pieces(void **state)
{
    float xyz[] = {1, 2, 3, 4, 5, 6, 7, 8, 9};
    float normals[] = {0, 0, 1, 0, 1, 0, 1, 0, 0};
    QR_AUTO(qr_record) rec = qr_record_new(NULL);
    struct qr_gather gather;
    struct qr_err err = {0};
    (void)state;

    qr_gather_init(&gather, rec);
    struct qr_gather_piece first = piece(0, 3, xyz, 2, normals);
    struct qr_gather_piece last = piece(2, 3, xyz + 6, 1, normals + 6);
    assert_int_equal(qr_gather_points(&gather, &first, &err), QR_OK);
    assert_int_equal(qr_gather_finish(&gather, "test", &err), QR_E_DATA); /* not whole */
    assert_int_equal(qr_gather_points(&gather, &last, &err), QR_OK);
    assert_int_equal(qr_gather_finish(&gather, "test", &err), QR_OK);
    const Quarry__V1__CadPoints *points = qr_record_cad(rec)->points;
    assert_non_null(points);
    assert_int_equal(points->count, 3);
    qr_gather_done(&gather);
}

static void what_is_no_cloud_is_refused(void **state)
{
    static float xyz[] = {1, 2, 3, 4, 5, 6};
    static float bad[] = {1, NAN, 3};
    static float huge[] = {3e38F, 0, 0};
    const struct {
        const char *why;
        struct qr_gather_piece before, then;
    } cases[] = {
        {"begins in the middle", piece(0, 0, xyz, 0, NULL), piece(1, 3, xyz, 1, NULL)},
        {"a gap", piece(0, 3, xyz, 1, NULL), piece(2, 3, xyz, 1, NULL)},
        {"twice", piece(0, 3, xyz, 1, NULL), piece(0, 3, xyz, 1, NULL)},
        {"more than said", piece(0, 2, xyz, 1, NULL), piece(1, 2, xyz, 2, NULL)},
        {"another size", piece(0, 2, xyz, 1, NULL), piece(1, 3, xyz, 1, NULL)},
        {"too many", piece(0, 0, xyz, 0, NULL), piece(0, QR_GATHER_POINTS_MAX + 1, xyz, 1, NULL)},
        {"of nothing", piece(0, 0, xyz, 0, NULL), piece(0, 0, xyz, 0, NULL)},
        {"no number", piece(0, 0, xyz, 0, NULL), piece(0, 1, bad, 1, NULL)},
        {"no number when scaled", piece(0, 0, xyz, 0, NULL), piece(0, 1, huge, 1, NULL)},
        {"normals at first alone", piece(0, 2, xyz, 1, xyz), piece(1, 2, xyz, 1, NULL)},
        {"normals at last alone", piece(0, 2, xyz, 1, NULL), piece(1, 2, xyz, 1, xyz)},
    };
    (void)state;

    for (size_t i = 0; i < QR_COUNT(cases); i++) {
        QR_AUTO(qr_record) rec = qr_record_new(NULL);
        struct qr_gather gather;
        struct qr_err err = {0};
        qr_gather_init(&gather, rec);
        if (cases[i].before.total > 0)
            assert_int_equal(qr_gather_points(&gather, &cases[i].before, &err), QR_OK);
        if (qr_gather_points(&gather, &cases[i].then, &err) != QR_E_DATA)
            fail_msg("'%s' is taken", cases[i].why);
        qr_gather_done(&gather);
    }
}

/* Whatever comes between them: an assembly is told depth first, its parts stand far apart. */
static void a_pair_is_one_however_far_apart_it_comes(void **state)
{
    enum { PARTS = 5000 };
    QR_AUTO(qr_record) rec = qr_record_new(NULL);
    struct qr_gather gather;
    struct qr_err err = {0};
    char name[32];
    (void)state;

    qr_gather_init(&gather, rec);
    Quarry__V1__CadAssembly *bolt = qr_gather_pair(&gather, "top.asm", "bolt.prt");
    assert_non_null(bolt);
    for (int i = 0; i < PARTS; i++) {
        snprintf(name, sizeof name, "part%d.prt", i);
        assert_non_null(qr_gather_pair(&gather, "sub.asm", name));
    }
    assert_ptr_equal(qr_gather_pair(&gather, "top.asm", "bolt.prt"), bolt);
    assert_ptr_not_equal(qr_gather_pair(&gather, "top.asmb", "olt.prt"), bolt);
    bolt->quantity = 2;
    assert_int_equal(qr_gather_finish(&gather, "test", &err), QR_OK);
    assert_int_equal(qr_record_cad(rec)->n_assemblies, PARTS + 2);
    assert_string_equal(rec->msg->bom[0]->quantity, "2");
    qr_gather_done(&gather);
}

static void numbers_are_looked_at(void **state)
{
    static const double from[] = {1, 2, INFINITY};
    QR_AUTO(qr_record) rec = qr_record_new(NULL);
    struct qr_gather gather;
    struct qr_err err = {0};
    double to[3];
    double *list = NULL;
    double mm = 1;
    double kg = 1;
    size_t n = 0;
    (void)state;

    qr_gather_init(&gather, rec);
    assert_int_equal(qr_gather_numbers(from, 2, 2, 10, "a pair", to, &err), QR_OK);
    assert_true(to[1] > 19.9 && to[1] < 20.1);
    assert_int_equal(qr_gather_numbers(from, 2, 3, 1, "a point", to, &err), QR_E_DATA);
    assert_non_null(strstr(err.msg, "a point of 2 numbers instead of 3"));
    assert_int_equal(qr_gather_numbers(from, 3, 3, 1, "a point", to, &err), QR_E_DATA);
    assert_int_equal(qr_gather_list(&gather, from, 0, 3, 1, "a point", &list, &n, &err), QR_OK);
    assert_int_equal(n, 0);
    assert_int_equal(qr_gather_object("{\"a\": [1]}", "a genome", &err), QR_OK);
    assert_int_equal(qr_gather_object("[1]", "a genome", &err), QR_E_DATA);
    assert_int_equal(qr_gather_object("{\"a\": 1", "a genome", &err), QR_E_DATA);
    assert_int_equal(qr_gather_units("Inch", "", &mm, &kg, &err), QR_OK);
    assert_true(mm > 25.39 && mm < 25.41 && kg > 0.99 && kg < 1.01);
    assert_int_equal(qr_gather_units("cubit", "kg", &mm, &kg, &err), QR_E_UNSUPPORTED);
    assert_true(mm > 25.39); /* as it was */
    qr_gather_done(&gather);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cloud_comes_in_pieces),
        cmocka_unit_test(what_is_no_cloud_is_refused),
        cmocka_unit_test(a_pair_is_one_however_far_apart_it_comes),
        cmocka_unit_test(numbers_are_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
