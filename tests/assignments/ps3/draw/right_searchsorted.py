def draw(network, uniform, step):
    picture = torch.zeros_like(uniform)
    for now in torch.unique(step, sorted=True):
        with torch.no_grad():
            sums = F.softmax(network(picture), 1).cumsum(1).movedim(1, -1).contiguous()
        level = torch.searchsorted(sums, uniform[:, 0, :, :, None].contiguous(), right=True)[..., 0].clamp(
            max=sums.shape[-1] - 1
        )
        picture = torch.where(step == now, level[:, None].double(), picture)
    return picture.to(torch.int64)
