#include "worker/extract/drawing/bom_words.h"

#include <stdlib.h>
#include <string.h>

#include "common/base.h"
#include "worker/extract/drawing/fold.h"

struct word {
    const char *text; /* as fold.h makes it */
    enum qr_bom_column column;
};

/* Sorted by bytes. */
/* clang-format off */
static const struct word words[] = {
    {"aantal", QR_BOM_QTY}, {"abmessung", QR_BOM_OTHER}, {"abmessungen", QR_BOM_OTHER},
    {"amount", QR_BOM_QTY}, {"anderung", QR_BOM_NEVER}, {"anderungen", QR_BOM_NEVER},
    {"angle", QR_BOM_NEVER}, {"anmerkung", QR_BOM_OTHER}, {"antal", QR_BOM_QTY},
    {"anz", QR_BOM_QTY}, {"anzahl", QR_BOM_QTY}, {"appd", QR_BOM_NEVER},
    {"approved", QR_BOM_NEVER}, {"approved by", QR_BOM_NEVER}, {"art no", QR_BOM_PART},
    {"art nr", QR_BOM_PART}, {"article", QR_BOM_PART}, {"article no", QR_BOM_PART},
    {"article number", QR_BOM_PART}, {"artikel", QR_BOM_PART}, {"artikel nr", QR_BOM_PART},
    {"artikelnr", QR_BOM_PART}, {"artikelnummer", QR_BOM_PART}, {"artnr", QR_BOM_PART},
    {"balloon", QR_BOM_ITEM}, {"bem", QR_BOM_OTHER}, {"bemerkung", QR_BOM_OTHER},
    {"bemerkungen", QR_BOM_OTHER}, {"benaming", QR_BOM_DESC}, {"benamning", QR_BOM_DESC},
    {"benennung", QR_BOM_DESC}, {"beschreibung", QR_BOM_DESC}, {"bestell nr", QR_BOM_PART},
    {"bestellnummer", QR_BOM_PART}, {"bezeichnung", QR_BOM_DESC}, {"blatt", QR_BOM_OTHER},
    {"bubble", QR_BOM_ITEM}, {"by", QR_BOM_NEVER}, {"cant", QR_BOM_QTY}, {"cantidad", QR_BOM_QTY},
    {"cat no", QR_BOM_PART}, {"catalog no", QR_BOM_PART}, {"category", QR_BOM_OTHER},
    {"change", QR_BOM_NEVER}, {"changes", QR_BOM_NEVER}, {"checked", QR_BOM_NEVER},
    {"checked by", QR_BOM_NEVER}, {"cod", QR_BOM_PART}, {"code", QR_BOM_PART},
    {"codice", QR_BOM_PART}, {"codice articolo", QR_BOM_PART}, {"codigo", QR_BOM_PART},
    {"color", QR_BOM_OTHER}, {"colour", QR_BOM_OTHER}, {"comment", QR_BOM_OTHER},
    {"comments", QR_BOM_OTHER}, {"component", QR_BOM_PART}, {"component name", QR_BOM_DESC},
    {"conn", QR_BOM_NEVER}, {"connector pin", QR_BOM_NEVER}, {"cost", QR_BOM_OTHER},
    {"count", QR_BOM_QTY}, {"current", QR_BOM_NEVER}, {"data", QR_BOM_NEVER},
    {"date", QR_BOM_NEVER}, {"datum", QR_BOM_NEVER}, {"denominacion", QR_BOM_DESC},
    {"denomination", QR_BOM_DESC}, {"denominazione", QR_BOM_DESC}, {"depth", QR_BOM_NEVER},
    {"descricao", QR_BOM_DESC}, {"descripcion", QR_BOM_DESC}, {"description", QR_BOM_DESC},
    {"description of change", QR_BOM_NEVER}, {"descrizione", QR_BOM_DESC},
    {"designation", QR_BOM_DESC}, {"designator", QR_BOM_OTHER}, {"designazione", QR_BOM_DESC},
    {"designed", QR_BOM_NEVER}, {"designed by", QR_BOM_NEVER}, {"details", QR_BOM_OTHER},
    {"dia", QR_BOM_NEVER}, {"diameter", QR_BOM_NEVER}, {"dim", QR_BOM_OTHER},
    {"dimension", QR_BOM_OTHER}, {"dimensions", QR_BOM_OTHER}, {"din", QR_BOM_OTHER},
    {"drawing", QR_BOM_PART}, {"drawing no", QR_BOM_PART}, {"drawing number", QR_BOM_PART},
    {"drawn", QR_BOM_NEVER}, {"drawn by", QR_BOM_NEVER}, {"drg no", QR_BOM_PART},
    {"dwg", QR_BOM_PART}, {"dwg no", QR_BOM_PART}, {"ecn", QR_BOM_NEVER}, {"eco", QR_BOM_NEVER},
    {"ecr", QR_BOM_NEVER}, {"einheit", QR_BOM_UNIT}, {"farbe", QR_BOM_OTHER},
    {"fecha", QR_BOM_NEVER}, {"file name", QR_BOM_PART}, {"filename", QR_BOM_PART},
    {"find no", QR_BOM_ITEM}, {"find number", QR_BOM_ITEM}, {"finish", QR_BOM_OTHER},
    {"finish spec", QR_BOM_OTHER}, {"fn", QR_BOM_ITEM}, {"footprint", QR_BOM_OTHER},
    {"formato", QR_BOM_OTHER}, {"fornitore", QR_BOM_OTHER}, {"fournisseur", QR_BOM_OTHER},
    {"function", QR_BOM_OTHER}, {"gegenstand", QR_BOM_DESC}, {"gepruft", QR_BOM_NEVER},
    {"gewicht", QR_BOM_OTHER}, {"gewicht kg", QR_BOM_OTHER}, {"gezeichnet", QR_BOM_NEVER},
    {"halbzeug", QR_BOM_MATERIAL}, {"hersteller", QR_BOM_OTHER}, {"hinweis", QR_BOM_OTHER},
    {"hole", QR_BOM_NEVER}, {"hole no", QR_BOM_NEVER}, {"ident nr", QR_BOM_PART},
    {"identnummer", QR_BOM_PART}, {"ilosc", QR_BOM_QTY}, {"index", QR_BOM_REVISION},
    {"iss", QR_BOM_REVISION}, {"issue", QR_BOM_REVISION}, {"item", QR_BOM_ITEM},
    {"item description", QR_BOM_DESC}, {"item name", QR_BOM_DESC}, {"item no", QR_BOM_ITEM},
    {"item nr", QR_BOM_ITEM}, {"item number", QR_BOM_ITEM}, {"item ref", QR_BOM_ITEM},
    {"itemno", QR_BOM_ITEM}, {"items", QR_BOM_ITEM}, {"kg", QR_BOM_OTHER},
    {"kommentar", QR_BOM_OTHER}, {"lange", QR_BOM_OTHER}, {"length", QR_BOM_OTHER},
    {"lfd nr", QR_BOM_ITEM}, {"libelle", QR_BOM_DESC}, {"lieferant", QR_BOM_OTHER},
    {"loc", QR_BOM_NEVER}, {"lp", QR_BOM_ITEM}, {"make", QR_BOM_OTHER},
    {"manufacturer", QR_BOM_OTHER}, {"manufacturer part number", QR_BOM_PART},
    {"marca", QR_BOM_ITEM}, {"mark", QR_BOM_ITEM}, {"marque", QR_BOM_ITEM},
    {"mass", QR_BOM_OTHER}, {"mass kg", QR_BOM_OTHER}, {"masse", QR_BOM_OTHER},
    {"massstab", QR_BOM_NEVER}, {"mat", QR_BOM_MATERIAL}, {"mat l", QR_BOM_MATERIAL},
    {"mat spec", QR_BOM_MATERIAL}, {"materiaal", QR_BOM_MATERIAL}, {"material", QR_BOM_MATERIAL},
    {"material code", QR_BOM_MATERIAL}, {"material no", QR_BOM_PART},
    {"material spec", QR_BOM_MATERIAL}, {"material specification", QR_BOM_MATERIAL},
    {"materiale", QR_BOM_MATERIAL}, {"materiales", QR_BOM_MATERIAL},
    {"materialnummer", QR_BOM_PART}, {"materials", QR_BOM_MATERIAL},
    {"materiau", QR_BOM_MATERIAL}, {"matiere", QR_BOM_MATERIAL}, {"matl", QR_BOM_MATERIAL},
    {"max", QR_BOM_NEVER}, {"me", QR_BOM_UNIT}, {"menge", QR_BOM_QTY},
    {"mengeneinheit", QR_BOM_UNIT}, {"mfg", QR_BOM_OTHER}, {"mfr", QR_BOM_OTHER},
    {"mfr part no", QR_BOM_PART}, {"min", QR_BOM_NEVER}, {"mk", QR_BOM_ITEM},
    {"model", QR_BOM_PART}, {"modification", QR_BOM_NEVER}, {"mpn", QR_BOM_PART},
    {"n", QR_BOM_ITEM}, {"n disegno", QR_BOM_PART}, {"n plan", QR_BOM_PART},
    {"name", QR_BOM_DESC}, {"nazwa", QR_BOM_DESC}, {"nb", QR_BOM_QTY}, {"nbre", QR_BOM_QTY},
    {"net", QR_BOM_NEVER}, {"no", QR_BOM_ITEM}, {"no d article", QR_BOM_ITEM},
    {"no off", QR_BOM_QTY}, {"no parte", QR_BOM_PART}, {"no plan", QR_BOM_PART},
    {"no reqd", QR_BOM_QTY}, {"nombre", QR_BOM_DESC}, {"nomenclature", QR_BOM_DESC},
    {"nomenclature or description", QR_BOM_DESC}, {"norm", QR_BOM_OTHER},
    {"norm kurzbezeichnung", QR_BOM_OTHER}, {"note", QR_BOM_OTHER}, {"notes", QR_BOM_OTHER},
    {"nr", QR_BOM_ITEM}, {"nr off", QR_BOM_QTY}, {"num", QR_BOM_ITEM}, {"num piece", QR_BOM_ITEM},
    {"numero articolo", QR_BOM_PART}, {"numero d article", QR_BOM_PART},
    {"numero de parte", QR_BOM_PART}, {"numero de pieza", QR_BOM_PART},
    {"numero de plano", QR_BOM_PART}, {"numero disegno", QR_BOM_PART},
    {"numero parte", QR_BOM_PART}, {"numero plan", QR_BOM_PART}, {"oberflache", QR_BOM_OTHER},
    {"observaciones", QR_BOM_OTHER}, {"observation", QR_BOM_OTHER},
    {"observations", QR_BOM_OTHER}, {"off", QR_BOM_QTY}, {"omschrijving", QR_BOM_DESC},
    {"opis", QR_BOM_DESC}, {"osservazioni", QR_BOM_OTHER}, {"p n", QR_BOM_PART},
    {"pad", QR_BOM_NEVER}, {"part", QR_BOM_PART}, {"part code", QR_BOM_PART},
    {"part description", QR_BOM_DESC}, {"part id", QR_BOM_PART}, {"part name", QR_BOM_DESC},
    {"part no", QR_BOM_PART}, {"part nr", QR_BOM_PART}, {"part num", QR_BOM_PART},
    {"part number", QR_BOM_PART}, {"partida", QR_BOM_ITEM}, {"partname", QR_BOM_DESC},
    {"partno", QR_BOM_PART}, {"partnumber", QR_BOM_PART}, {"pcs", QR_BOM_QTY},
    {"peso", QR_BOM_OTHER}, {"pieces", QR_BOM_QTY}, {"pin", QR_BOM_NEVER},
    {"pin name", QR_BOM_NEVER}, {"pin no", QR_BOM_NEVER}, {"pn", QR_BOM_PART},
    {"poids", QR_BOM_OTHER}, {"pos", QR_BOM_ITEM}, {"pos no", QR_BOM_ITEM},
    {"pos nr", QR_BOM_ITEM}, {"pos number", QR_BOM_ITEM}, {"posicion", QR_BOM_ITEM},
    {"position", QR_BOM_ITEM}, {"positionsnr", QR_BOM_ITEM}, {"posizione", QR_BOM_ITEM},
    {"posn", QR_BOM_ITEM}, {"poz", QR_BOM_ITEM}, {"pozycja", QR_BOM_ITEM},
    {"preis", QR_BOM_OTHER}, {"price", QR_BOM_OTHER}, {"purchase", QR_BOM_OTHER},
    {"q", QR_BOM_QTY}, {"q ta", QR_BOM_QTY}, {"qnty", QR_BOM_QTY}, {"qta", QR_BOM_QTY},
    {"qtd", QR_BOM_QTY}, {"qte", QR_BOM_QTY}, {"qty", QR_BOM_QTY}, {"qty ea", QR_BOM_QTY},
    {"qty pcs", QR_BOM_QTY}, {"qty per", QR_BOM_QTY}, {"qty req", QR_BOM_QTY},
    {"qty req d", QR_BOM_QTY}, {"qty reqd", QR_BOM_QTY}, {"qty total", QR_BOM_QTY},
    {"quant", QR_BOM_QTY}, {"quantidade", QR_BOM_QTY}, {"quantita", QR_BOM_QTY},
    {"quantite", QR_BOM_QTY}, {"quantity", QR_BOM_QTY}, {"radius", QR_BOM_NEVER},
    {"raw material", QR_BOM_MATERIAL}, {"ref", QR_BOM_REF}, {"ref no", QR_BOM_REF},
    {"refdes", QR_BOM_OTHER}, {"reference", QR_BOM_REF}, {"reference designator", QR_BOM_OTHER},
    {"reference no", QR_BOM_REF}, {"remark", QR_BOM_OTHER}, {"remarks", QR_BOM_OTHER},
    {"remarque", QR_BOM_OTHER}, {"remarques", QR_BOM_OTHER}, {"rep", QR_BOM_ITEM},
    {"repere", QR_BOM_ITEM}, {"reqd", QR_BOM_QTY}, {"required", QR_BOM_QTY},
    {"rev", QR_BOM_REVISION}, {"rev by", QR_BOM_NEVER}, {"revision", QR_BOM_REVISION},
    {"revision history", QR_BOM_NEVER}, {"revisions", QR_BOM_REVISION}, {"s no", QR_BOM_ITEM},
    {"sach nr", QR_BOM_PART}, {"sachnr", QR_BOM_PART}, {"sachnummer", QR_BOM_PART},
    {"sachnummer norm kurzbezeichnung", QR_BOM_PART}, {"scale", QR_BOM_NEVER},
    {"serial no", QR_BOM_ITEM}, {"sheet", QR_BOM_OTHER}, {"sig", QR_BOM_NEVER},
    {"signal", QR_BOM_NEVER}, {"signature", QR_BOM_NEVER}, {"size", QR_BOM_OTHER},
    {"size mm", QR_BOM_OTHER}, {"sl no", QR_BOM_ITEM}, {"source", QR_BOM_OTHER},
    {"spec", QR_BOM_OTHER}, {"specification", QR_BOM_OTHER}, {"specifications", QR_BOM_OTHER},
    {"sr no", QR_BOM_ITEM}, {"standard", QR_BOM_OTHER}, {"stck", QR_BOM_QTY}, {"stk", QR_BOM_QTY},
    {"stock", QR_BOM_OTHER}, {"stock no", QR_BOM_PART}, {"stock number", QR_BOM_PART},
    {"stock size", QR_BOM_OTHER}, {"stuck", QR_BOM_QTY}, {"stuck menge", QR_BOM_QTY},
    {"stuckzahl", QR_BOM_QTY}, {"stueck", QR_BOM_QTY}, {"supplier", QR_BOM_OTHER},
    {"symbol", QR_BOM_NEVER}, {"szt", QR_BOM_QTY}, {"tag", QR_BOM_NEVER},
    {"teile nr", QR_BOM_PART}, {"teilebezeichnung", QR_BOM_DESC}, {"teilename", QR_BOM_DESC},
    {"teilenr", QR_BOM_PART}, {"teilenummer", QR_BOM_PART}, {"terminal", QR_BOM_NEVER},
    {"thickness", QR_BOM_OTHER}, {"title", QR_BOM_DESC}, {"tolerance", QR_BOM_NEVER},
    {"tool", QR_BOM_NEVER}, {"total qty", QR_BOM_QTY}, {"total weight", QR_BOM_OTHER},
    {"treatment", QR_BOM_OTHER}, {"typ", QR_BOM_OTHER}, {"type", QR_BOM_OTHER},
    {"u m", QR_BOM_UNIT}, {"um", QR_BOM_UNIT}, {"unidad", QR_BOM_UNIT}, {"unit", QR_BOM_UNIT},
    {"unit of measure", QR_BOM_UNIT}, {"unit weight", QR_BOM_OTHER}, {"unita", QR_BOM_UNIT},
    {"unite", QR_BOM_UNIT}, {"units", QR_BOM_UNIT}, {"uom", QR_BOM_UNIT}, {"value", QR_BOM_OTHER},
    {"vendor", QR_BOM_OTHER}, {"vendor part number", QR_BOM_OTHER}, {"voltage", QR_BOM_NEVER},
    {"weight", QR_BOM_OTHER}, {"weight kg", QR_BOM_OTHER}, {"werkstoff", QR_BOM_MATERIAL},
    {"wire", QR_BOM_NEVER}, {"wire color", QR_BOM_NEVER}, {"x", QR_BOM_NEVER},
    {"x dim", QR_BOM_NEVER}, {"x loc", QR_BOM_NEVER}, {"xloc", QR_BOM_NEVER}, {"y", QR_BOM_NEVER},
    {"y dim", QR_BOM_NEVER}, {"y loc", QR_BOM_NEVER}, {"yloc", QR_BOM_NEVER}, {"z", QR_BOM_NEVER},
    {"zeichnung", QR_BOM_PART}, {"zeichnungs nr", QR_BOM_PART}, {"zeichnungsnummer", QR_BOM_PART},
    {"zone", QR_BOM_REVISION}, {"ед изм", QR_BOM_UNIT}, {"зона", QR_BOM_OTHER},
    {"кол", QR_BOM_QTY}, {"количество", QR_BOM_QTY}, {"масса", QR_BOM_OTHER},
    {"материал", QR_BOM_MATERIAL}, {"наименование", QR_BOM_DESC}, {"обозначение", QR_BOM_PART},
    {"поз", QR_BOM_ITEM}, {"позиция", QR_BOM_ITEM}, {"примечание", QR_BOM_OTHER},
    {"формат", QR_BOM_OTHER}, {"个数", QR_BOM_QTY}, {"代号", QR_BOM_PART}, {"件号", QR_BOM_ITEM},
    {"件数", QR_BOM_QTY}, {"個数", QR_BOM_QTY}, {"備考", QR_BOM_OTHER}, {"单位", QR_BOM_UNIT},
    {"单重", QR_BOM_OTHER}, {"単位", QR_BOM_UNIT}, {"名称", QR_BOM_DESC}, {"品名", QR_BOM_DESC},
    {"品番", QR_BOM_PART}, {"員数", QR_BOM_QTY}, {"図番", QR_BOM_PART}, {"図面番号", QR_BOM_PART},
    {"图号", QR_BOM_PART}, {"备注", QR_BOM_OTHER}, {"序号", QR_BOM_ITEM}, {"总重", QR_BOM_OTHER},
    {"数量", QR_BOM_QTY}, {"材料", QR_BOM_MATERIAL}, {"材質", QR_BOM_MATERIAL}, {"材质", QR_BOM_MATERIAL},
    {"标准", QR_BOM_OTHER}, {"照合番号", QR_BOM_ITEM}, {"番号", QR_BOM_ITEM}, {"符号", QR_BOM_ITEM},
    {"総重量", QR_BOM_OTHER}, {"规格", QR_BOM_OTHER}, {"规格型号", QR_BOM_OTHER}, {"質量", QR_BOM_OTHER},
    {"部品名", QR_BOM_DESC}, {"部品名称", QR_BOM_DESC}, {"部品番号", QR_BOM_PART}, {"重量", QR_BOM_OTHER},
    {"零件代号", QR_BOM_PART}, {"零件号", QR_BOM_PART}, {"零件名称", QR_BOM_DESC}, {"項番", QR_BOM_ITEM},
    {"項目", QR_BOM_ITEM},
};
/* clang-format on */

static int compare(const void *a, const void *b)
{
    const struct word *word = b;
    return strcmp(a, word->text);
}

static enum qr_bom_column look_up(const char *folded)
{
    const struct word *word = bsearch(folded, words, QR_COUNT(words), sizeof words[0], compare);
    return word ? word->column : QR_BOM_NONE;
}

/* "Pos. / Item", "Menge Qty": the same said in two languages. */
static enum qr_bom_column by_words(struct qr_fold *fold)
{
    enum qr_bom_column all = QR_BOM_NONE;

    if (fold->n_words < 2 || fold->n_words > 4)
        return QR_BOM_NONE;
    for (size_t i = 0; i < fold->n_words; i++) {
        char word[QR_FOLD_BYTES + 1];
        size_t n = (size_t)fold->words[i].end - fold->words[i].at;
        enum qr_bom_column column;
        memcpy(word, fold->text + fold->words[i].at, n);
        word[n] = 0;
        column = look_up(word);
        if (column == QR_BOM_NONE || (all != QR_BOM_NONE && column != all))
            return QR_BOM_NONE;
        all = column;
    }
    return all;
}

enum qr_bom_column qr_bom_column_by_title(const char *title, size_t len)
{
    struct qr_fold fold;
    enum qr_bom_column column;

    if (len == 0 || len > 60)
        return QR_BOM_NONE;
    qr_fold(title, len, &fold);
    if (!fold.whole || fold.len == 0)
        return QR_BOM_NONE;
    column = look_up(fold.text);
    return column != QR_BOM_NONE ? column : by_words(&fold);
}
