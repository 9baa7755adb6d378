// The plane of the triangle at each pixel's centre: its normal in the camera's frame, towards the camera, and z.
layout(location = 0) out vec4 surface;

void main() {
    ivec2 at = ivec2(gl_FragCoord.xy);
    int triangle = int(texelFetch(samples, 2 * at + 1, 0).r);
    if (triangle < 0) {
        surface = vec4(0.0);
        return;
    }
    ivec3 corners = ivec3(entry(triangles, triangle, 0).xyz);
    vec3 normal = entry(triangles, triangle, 1).xyz;
    vec3 a = entry(vertices, corners.x, 0).xyz - eye;
    vec3 b = entry(vertices, corners.y, 0).xyz - eye;
    vec3 c = entry(vertices, corners.z, 0).xyz - eye;
    vec3 ray = world_camera * ray_camera(gl_FragCoord.xy);
    float slope = dot(normal, ray);
    vec3 depths = vec3(dot(world_camera[2], a), dot(world_camera[2], b), dot(world_camera[2], c));
    float nearest = min(depths.x, min(depths.y, depths.z)), farthest = max(depths.x, max(depths.y, depths.z));
    float z = clamp(dot(normal, a) / slope, nearest, farthest);
    surface = vec4((slope > 0.0 ? -normal : normal) * world_camera, z);
}
