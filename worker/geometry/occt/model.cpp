/* A STEP file in memory becomes bodies and the places where they stand. */
#include "worker/geometry/occt/model.h"

#include <istream>
#include <streambuf>
#include <unordered_map>

#include <BRep_Builder.hxx>
#include <Interface_Static.hxx>
#include <Message.hxx>
#include <Message_Messenger.hxx>
#include <Message_ProgressIndicator.hxx>
#include <Message_ProgressScope.hxx>
#include <STEPControl_Controller.hxx>
#include <STEPControl_Reader.hxx>
#include <Standard_Failure.hxx>
#include <StepBasic_Product.hxx>
#include <StepBasic_ProductDefinition.hxx>
#include <StepBasic_ProductDefinitionFormation.hxx>
#include <StepRepr_RepresentationItem.hxx>
#include <StepShape_SolidModel.hxx>
#include <TCollection_HAsciiString.hxx>
#include <TopExp_Explorer.hxx>
#include <TopoDS.hxx>
#include <TopoDS_Iterator.hxx>
#include <TransferBRep.hxx>
#include <Transfer_TransientProcess.hxx>
#include <XSControl_TransferReader.hxx>
#include <XSControl_WorkSession.hxx>

namespace {

const size_t PARTS_MAX = 1000;
const size_t CHUNK = 256 * 1024; /* bytes between two looks at the watch */

/* The file as a stream. It ends early when the watch says stop. */
class memory_buffer : public std::streambuf {
  public:
    memory_buffer(const char *data, size_t len, const qr_kernel_watch &watch)
        : at_(data), end_(data + len), watch_(watch)
    {
    }

  protected:
    int_type underflow() override
    {
        if (at_ == end_ || watch_.stop(watch_.arg))
            return traits_type::eof();
        size_t n = static_cast<size_t>(end_ - at_);
        if (n > CHUNK)
            n = CHUNK;
        char *from = const_cast<char *>(at_); /* streambuf's type; it only reads */
        setg(from, from, from + n);
        at_ += n;
        return traits_type::to_int_type(*gptr());
    }

  private:
    const char *at_;
    const char *end_;
    const qr_kernel_watch &watch_;
};

/* How Open CASCADE asks whether to go on. */
class breaker : public Message_ProgressIndicator {
  public:
    explicit breaker(const qr_kernel_watch &watch) : watch_(watch) {}
    Standard_Boolean UserBreak() override { return watch_.stop(watch_.arg); }

  protected:
    void Show(const Message_ProgressScope &, const Standard_Boolean) override {}

  private:
    qr_kernel_watch watch_;
};

typedef std::unordered_map<const TopoDS_TShape *, std::string> name_map;

/* What the file calls its solids; how many of them are lost. */
name_map solid_names(const STEPControl_Reader &reader, const qr_kernel_watch &watch,
                     uint32_t &ret_lost)
{
    const Handle(Transfer_TransientProcess) process =
        reader.WS()->TransferReader()->TransientProcess();
    name_map names;

    for (Standard_Integer i = 1; i <= process->NbMapped(); i++) {
        if (i % 4096 == 0)
            qr_occt_check(watch);
        const Handle(StepShape_SolidModel) solid =
            Handle(StepShape_SolidModel)::DownCast(process->Mapped(i));
        if (solid.IsNull())
            continue;
        const TopoDS_Shape shape = TransferBRep::ShapeResult(process, solid);
        if (shape.IsNull())
            ret_lost++;
        else if (!solid->Name().IsNull() && !solid->Name()->IsEmpty())
            names[shape.TShape().get()] = solid->Name()->ToCString();
    }
    return names;
}

const char *text_of(const Handle(TCollection_HAsciiString) & text)
{
    return text.IsNull() ? "" : text->ToCString();
}

/* A product and the shape that came of it. */
struct product {
    std::string name;
    TopoDS_Shape shape;
};

std::vector<product> products_of(const STEPControl_Reader &reader, const qr_kernel_watch &watch)
{
    const Handle(Transfer_TransientProcess) process =
        reader.WS()->TransferReader()->TransientProcess();
    std::vector<product> found;

    for (Standard_Integer i = 1; i <= process->NbMapped() && found.size() < PARTS_MAX; i++) {
        if (i % 4096 == 0)
            qr_occt_check(watch);
        const Handle(StepBasic_ProductDefinition) definition =
            Handle(StepBasic_ProductDefinition)::DownCast(process->Mapped(i));
        if (definition.IsNull() || definition->Formation().IsNull() ||
            definition->Formation()->OfProduct().IsNull())
            continue;
        const TopoDS_Shape shape = TransferBRep::ShapeResult(process, definition);
        const Handle(StepBasic_Product) of = definition->Formation()->OfProduct();
        const char *id = text_of(of->Id());
        if (!shape.IsNull())
            found.push_back({id[0] ? id : text_of(of->Name()), shape});
    }
    return found;
}

/* Collects bodies and instances of a tree of compounds. The tree may be far larger than the file:
 * a level that holds ten of the next, twenty times. So it stops at a cap, and does not recurse. */
class collector {
  public:
    collector(qr_kernel_model &model, const name_map &names) : model_(model), names_(names) {}

    /* False: not all of it. */
    bool collect(const TopoDS_Shape &root, std::vector<qr_instance> &ret)
    {
        std::vector<TopoDS_Iterator> stack;

        out_ = &ret;
        if (!descend(root, stack))
            return false;
        while (!stack.empty()) {
            if (!stack.back().More()) {
                stack.pop_back();
                continue;
            }
            const TopoDS_Shape next = stack.back().Value();
            stack.back().Next();
            if (++steps_ % 1024 == 0)
                qr_occt_check(model_.watch);
            if (steps_ > STEPS_MAX || !descend(next, stack))
                return false;
        }
        return true;
    }

  private:
    static const uint64_t STEPS_MAX = 4000000;

    /* False: no more fit. */
    bool descend(const TopoDS_Shape &shape, std::vector<TopoDS_Iterator> &stack)
    {
        switch (shape.ShapeType()) {
        case TopAbs_COMPOUND:
        case TopAbs_COMPSOLID:
            stack.emplace_back(shape, Standard_True, Standard_True);
            return true;
        case TopAbs_SOLID:
            return add(shape, QR_KERNEL_SOLID);
        case TopAbs_SHELL:
            return add(shape, QR_KERNEL_SHELL);
        case TopAbs_FACE:
            return add(shape, QR_KERNEL_FACE);
        default:
            return true; /* wires and points have neither area nor volume */
        }
    }

    bool add(const TopoDS_Shape &shape, qr_kernel_kind kind)
    {
        const TopoDS_TShape *key = shape.TShape().get();
        auto found = index_.find(key);

        if (found == index_.end()) {
            if (model_.bodies.size() >= QR_KERNEL_BODIES_MAX)
                return false;
            qr_body body;
            body.shape = shape.Located(TopLoc_Location());
            body.kind = kind;
            auto name = names_.find(key);
            if (name != names_.end())
                body.name = name->second;
            found = index_.emplace(key, static_cast<uint32_t>(model_.bodies.size())).first;
            model_.bodies.push_back(body);
        }
        if (out_->size() >= QR_KERNEL_INSTANCES_MAX)
            return false;
        out_->push_back({found->second, shape.Location()});
        return true;
    }

    qr_kernel_model &model_;
    const name_map &names_;
    std::unordered_map<const TopoDS_TShape *, uint32_t> index_;
    std::vector<qr_instance> *out_ = nullptr;
    uint64_t steps_ = 0;
};

/* Parts of which not all is listed would have wrong sums: left out. */
void collect_parts(qr_kernel_model &model, const STEPControl_Reader &reader, collector &collect)
{
    for (const product &of : products_of(reader, model.watch)) {
        qr_part part;
        part.name = of.name;
        if (collect.collect(of.shape.Located(TopLoc_Location()), part.instances) &&
            !part.instances.empty())
            model.parts.push_back(part);
    }
    model.size.n_parts = static_cast<uint32_t>(model.parts.size());
}

void read(STEPControl_Reader &reader, const qr_kernel_watch &watch, const void *data, size_t len)
{
    memory_buffer buffer(static_cast<const char *>(data), len, watch);
    std::istream stream(&buffer);

    const IFSelect_ReturnStatus status = reader.ReadStream("model", stream);
    qr_occt_check(watch);
    if (status != IFSelect_RetDone)
        throw Standard_Failure("the kernel cannot read it as a STEP file");
}

} // namespace

void qr_occt_check(const qr_kernel_watch &watch)
{
    if (watch.stop(watch.arg))
        throw qr_occt_stopped();
}

void qr_occt_prepare(void)
{
    Message::DefaultMessenger()->ChangePrinters().Clear();
    STEPControl_Controller::Init();
    Interface_Static::SetCVal("xstep.cascade.unit", "MM");
}

void qr_occt_open(qr_kernel_model &model, const void *data, size_t len)
{
    STEPControl_Reader reader;
    Handle(breaker) indicator = new breaker(model.watch);

    read(reader, model.watch, data, len);
    const Standard_Integer roots = reader.NbRootsForTransfer();
    Message_ProgressScope scope(indicator->Start(), "transfer", roots > 0 ? roots : 1);
    for (Standard_Integer i = 1; i <= roots; i++) {
        qr_occt_check(model.watch);
        reader.TransferRoot(i, scope.Next()); /* some have no shape, as materials and documents */
    }
    qr_occt_check(model.watch);
    const name_map names = solid_names(reader, model.watch, model.size.lost);
    collector collect(model, names);
    for (Standard_Integer i = 1; i <= reader.NbShapes() && !model.size.capped; i++)
        model.size.capped = !collect.collect(reader.Shape(i), model.instances);
    collect_parts(model, reader, collect);
    model.size.n_bodies = static_cast<uint32_t>(model.bodies.size());
    model.size.n_instances = static_cast<uint32_t>(model.instances.size());
}

const std::vector<TopoDS_Face> &qr_occt_faces(qr_body &body)
{
    if (body.faces.empty())
        for (TopExp_Explorer at(body.shape, TopAbs_FACE); at.More(); at.Next())
            body.faces.push_back(TopoDS::Face(at.Current()));
    return body.faces;
}
